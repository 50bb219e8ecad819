#include "http/http_date.h"

#include "base/clock.h"

enum { DAY_SECONDS = 86400 };

static const char weekdays[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

struct civil {
    int64_t year;
    unsigned month; /* 1..12 */
    unsigned day;   /* 1..31 */
};

/* Days since 1970-01-01 and back, in the proleptic Gregorian calendar. Years begin in March, so
 * that the leap day is the last one; an era is 400 years. */
static int64_t days_of(struct civil c)
{
    int64_t year = c.year - (c.month <= 2);
    int64_t era = year / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (c.month > 2 ? c.month - 3 : c.month + 9) + 2) / 5 + c.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

static struct civil civil_of(int64_t days)
{
    days += 719468;
    int64_t era = days / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    unsigned month = (unsigned)(shifted < 10 ? shifted + 3 : shifted - 9);

    return (struct civil){year_of_era + era * 400 + (month <= 2), month,
                          (unsigned)(day_of_year - (153 * shifted + 2) / 5 + 1)};
}

/* ---- showing ---- */

static void put_digits(char *at, unsigned value, int digits)
{
    while (digits-- > 0) {
        at[digits] = (char)('0' + value % 10);
        value /= 10;
    }
}

void http_date_show(int64_t seconds, char out[HTTP_DATE_BYTES])
{
    int64_t days = seconds / DAY_SECONDS;
    unsigned rest = (unsigned)(seconds % DAY_SECONDS);
    struct civil c = civil_of(days);

    memcpy(out, "Xxx, 00 Xxx 0000 00:00:00 GMT", HTTP_DATE_BYTES);
    memcpy(out, weekdays + (size_t)((days + 4) % 7) * 3, 3);
    put_digits(out + 5, c.day, 2);
    memcpy(out + 8, months + (c.month - 1) * 3, 3);
    put_digits(out + 12, (unsigned)c.year, 4);
    put_digits(out + 17, rest / 3600, 2);
    put_digits(out + 20, rest / 60 % 60, 2);
    put_digits(out + 23, rest % 60, 2);
}

struct slice http_date_now(void)
{
    static _Thread_local int64_t shown_at = -1;
    static _Thread_local char text[HTTP_DATE_BYTES];
    int64_t now = (int64_t)(clock_wall_ms() / 1000);

    if (now != shown_at) {
        http_date_show(now, text);
        shown_at = now;
    }
    return slice_of(text, sizeof(text));
}

/* ---- parsing ---- */

struct parts {
    struct civil date;
    unsigned second_of_day;
};

static int take_number(struct slice s, unsigned max, unsigned *out)
{
    uint64_t value;

    if (slice_to_u64(slice_trim(s), max, &value) < 0) {
        return ERR_INVALID;
    }
    *out = (unsigned)value;
    return 0;
}

static int take_month(struct slice s, unsigned *month_out)
{
    for (unsigned m = 0; m < 12; m++) {
        if (slice_equal(s, slice_of(months + m * 3, 3))) {
            *month_out = m + 1;
            return 0;
        }
    }
    return ERR_INVALID;
}

/* "08:49:37" */
static int take_clock(struct slice s, unsigned *second_out)
{
    unsigned h;
    unsigned m;
    unsigned sec;

    if (s.len != 8 || s.ptr[2] != ':' || s.ptr[5] != ':') {
        return ERR_INVALID;
    }
    TRY(take_number(slice_sub(s, 0, 2), 23, &h));
    TRY(take_number(slice_sub(s, 3, 2), 59, &m));
    TRY(take_number(slice_sub(s, 6, 2), 60, &sec));
    *second_out = h * 3600 + m * 60 + sec;
    return 0;
}

/* Two digits mean the nearest such year that is not more than 50 ahead (RFC 9110). */
static int64_t full_year(unsigned two_digits)
{
    int64_t this_year = civil_of((int64_t)(clock_wall_ms() / 1000) / DAY_SECONDS).year;
    int64_t year = this_year / 100 * 100 + two_digits;

    return year > this_year + 50 ? year - 100 : year;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static int parse_fixdate(struct slice s, struct parts *p)
{
    unsigned year;

    TRY(take_number(slice_sub(s, 5, 2), 31, &p->date.day));
    TRY(take_month(slice_sub(s, 8, 3), &p->date.month));
    TRY(take_number(slice_sub(s, 12, 4), 9999, &year));
    p->date.year = year;
    TRY(take_clock(slice_sub(s, 17, 8), &p->second_of_day));
    return slice_is(slice_sub(s, 25, 4), " GMT") ? 0 : ERR_INVALID;
}

/* "Sunday, 06-Nov-94 08:49:37 GMT" from behind the comma */
static int parse_rfc850(struct slice s, struct parts *p)
{
    unsigned year;

    TRY(take_number(slice_sub(s, 2, 2), 31, &p->date.day));
    TRY(take_month(slice_sub(s, 5, 3), &p->date.month));
    TRY(take_number(slice_sub(s, 9, 2), 99, &year));
    p->date.year = full_year(year);
    TRY(take_clock(slice_sub(s, 12, 8), &p->second_of_day));
    return slice_is(slice_sub(s, 20, 4), " GMT") ? 0 : ERR_INVALID;
}

/* "Sun Nov  6 08:49:37 1994" */
static int parse_asctime(struct slice s, struct parts *p)
{
    unsigned year;

    TRY(take_month(slice_sub(s, 4, 3), &p->date.month));
    TRY(take_number(slice_sub(s, 8, 2), 31, &p->date.day));
    TRY(take_clock(slice_sub(s, 11, 8), &p->second_of_day));
    TRY(take_number(slice_sub(s, 20, 4), 9999, &year));
    p->date.year = year;
    return 0;
}

int http_date_parse(struct slice text, int64_t *seconds_out)
{
    size_t comma = slice_index(text, ',');
    struct parts p = {0};
    int err;

    if (text.len == HTTP_DATE_BYTES && comma == 3) {
        err = parse_fixdate(text, &p);
    } else if (comma < text.len) {
        err = text.len - comma == 24 ? parse_rfc850(slice_sub(text, comma, 24), &p) : ERR_INVALID;
    } else {
        err = text.len == 24 ? parse_asctime(text, &p) : ERR_INVALID;
    }
    if (err < 0 || p.date.day == 0 || p.date.year < 1970) {
        return ERR_INVALID;
    }
    *seconds_out = days_of(p.date) * DAY_SECONDS + p.second_of_day;
    return 0;
}
