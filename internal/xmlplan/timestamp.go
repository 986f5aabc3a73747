package xmlplan

import "time"

const (
	rfc1123 = "Mon, 02 Jan 2006 15:04:05 GMT"
	iso8601 = "2006-01-02T15:04:05Z"
)

// parseTime reads the two forms that the service sends, by hand since
// time.Parse costs ten times as much, and then whatever else they allow.
func parseTime(text []byte) (time.Time, bool) {
	if '0' <= text[0] && text[0] <= '9' {
		if t, ok := parseISO8601(text); ok {
			return t, true
		}
		return parseLayouts(text, time.RFC3339Nano, "2006-01-02T15:04Z07:00", time.DateOnly)
	}
	if t, ok := parseRFC1123(text); ok {
		return t, true
	}
	return parseLayouts(text, time.RFC1123, time.RFC1123Z)
}

func parseLayouts(text []byte, layouts ...string) (time.Time, bool) {
	for _, layout := range layouts {
		t, err := time.Parse(layout, string(text))
		if err != nil {
			continue
		}
		// An abbreviation that time.Parse does not know becomes a zone without offset, which would be a wrong time.
		if zone, _ := t.Zone(); layout == time.RFC1123 && zone != "UTC" && zone != "GMT" {
			continue
		}
		return t.UTC(), true
	}
	return time.Time{}, false
}

// parseRFC1123 reads the fixed layout "Mon, 02 Jan 2006 15:04:05 GMT".
func parseRFC1123(b []byte) (time.Time, bool) {
	if len(b) != len(rfc1123) || b[3] != ',' || b[4] != ' ' || b[7] != ' ' || b[11] != ' ' || b[16] != ' ' ||
		b[19] != ':' || b[22] != ':' || string(b[25:]) != " GMT" || !weekday(b[:3]) {
		return time.Time{}, false
	}
	return date(digits(b[12:16]), month(b[8:11]), digits(b[5:7]), b[17:25], 0)
}

// parseISO8601 reads "2006-01-02T15:04:05Z" with up to nine digits of a fraction.
func parseISO8601(b []byte) (time.Time, bool) {
	if len(b) < len(iso8601) || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' || b[len(b)-1] != 'Z' {
		return time.Time{}, false
	}
	nanos := 0
	if fraction := b[19 : len(b)-1]; len(fraction) > 0 {
		if fraction[0] != '.' || len(fraction) == 1 || len(fraction) > 10 {
			return time.Time{}, false
		}
		nanos = digits(fraction[1:])
		if nanos < 0 {
			return time.Time{}, false
		}
		for range 10 - len(fraction) {
			nanos *= 10
		}
	}
	return date(digits(b[:4]), time.Month(digits(b[5:7])), digits(b[8:10]), b[11:19], nanos)
}

// date refuses what time.Date would carry over, such as the 30th of February. Bad numbers come as -1.
func date(year int, m time.Month, day int, clock []byte, nanos int) (time.Time, bool) {
	hour, minute, second := digits(clock[:2]), digits(clock[3:5]), digits(clock[6:8])
	if year < 0 || m < 1 || m > 12 || day < 1 || day > daysIn(m, year) ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return time.Time{}, false
	}
	return time.Date(year, m, day, hour, minute, second, nanos, time.UTC), true
}

func daysIn(m time.Month, year int) int {
	switch m {
	case time.February:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case time.April, time.June, time.September, time.November:
		return 30
	}
	return 31
}

// digits reads a number, and gives -1 if a byte is no digit.
func digits(b []byte) int {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

func weekday(b []byte) bool {
	switch string(b) {
	case "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun":
		return true
	}
	return false
}

// month gives 0 for a name it does not know.
func month(b []byte) time.Month {
	switch string(b) {
	case "Jan":
		return time.January
	case "Feb":
		return time.February
	case "Mar":
		return time.March
	case "Apr":
		return time.April
	case "May":
		return time.May
	case "Jun":
		return time.June
	case "Jul":
		return time.July
	case "Aug":
		return time.August
	case "Sep":
		return time.September
	case "Oct":
		return time.October
	case "Nov":
		return time.November
	case "Dec":
		return time.December
	}
	return 0
}
