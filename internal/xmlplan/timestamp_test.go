package xmlplan

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Whatever the parsers by hand accept, time.Parse reads as the same time.
func TestTimesAreThoseOfTheStandardLibrary(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		want := time.Unix(random.Int64N(253402300800+62135596800)-62135596800, 0).UTC()
		if got, ok := parseRFC1123([]byte(want.Format(rfc1123))); !ok || got != want {
			t.Fatalf("%s: got %v, %v", want.Format(rfc1123), got, ok)
		}
		want = want.Add(time.Duration(random.IntN(1e9)))
		for _, layout := range []string{"2006-01-02T15:04:05.000000000Z", "2006-01-02T15:04:05.0000000Z", "2006-01-02T15:04:05.0Z", iso8601} {
			text := want.Format(layout)
			truncated, err := time.Parse(layout, text)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := parseISO8601([]byte(text)); !ok || got != truncated {
				t.Fatalf("%s: got %v, %v, want %v", text, got, ok, truncated)
			}
		}
	}
}

// One changed byte makes a time that time.Parse refuses, or another time that it reads the same.
func TestDamagedTimes(t *testing.T) {
	const alphabet = "0123456789 :-,.TZJanFebGMT+\x00ÿ"
	for text, layouts := range map[string][]string{
		"Sun, 29 Feb 2032 23:59:59 GMT": {rfc1123, time.RFC1123, time.RFC1123Z},
		"2032-02-29T23:59:59.9999999Z":  {time.RFC3339Nano},
	} {
		for i := range text {
			for _, c := range []byte(alphabet) {
				damaged := []byte(text)
				damaged[i] = c
				got, ok := parseTime(damaged)
				var want time.Time
				err := error(nil)
				for _, layout := range layouts {
					if want, err = time.Parse(layout, string(damaged)); err == nil {
						break
					}
				}
				if ok && (err != nil || !got.Equal(want)) {
					t.Errorf("%q: got %v, time.Parse %v, %v", damaged, got, want, err)
				}
			}
		}
	}
}

func TestOtherTimes(t *testing.T) {
	want := time.Date(2026, 3, 1, 10, 11, 12, 0, time.UTC)
	for _, text := range []string{
		"Sun, 01 Mar 2026 10:11:12 UTC", "Sun, 01 Mar 2026 12:11:12 +0200",
		"2026-03-01T12:11:12+02:00", "2026-03-01T10:11:12.000Z", "2026-03-01T10:11:12.000000000000Z",
	} {
		if got, ok := parseTime([]byte(text)); !ok || got != want {
			t.Errorf("%s: got %v, %v", text, got, ok)
		}
	}
	if got, ok := parseTime([]byte("2026-03-01T10:11Z")); !ok || got != want.Truncate(time.Minute) {
		t.Errorf("without seconds: %v, %v", got, ok)
	}
	if got, ok := parseTime([]byte("2026-03-01")); !ok || got != time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) {
		t.Errorf("without a clock: %v, %v", got, ok)
	}
	for _, text := range []string{
		"x", "0", "Sun, 01 Mar 2026 10:11:12 PST", "Sun, 30 Feb 2026 10:11:12 GMT", "Sun, 01 Mar 2026 24:00:00 GMT",
		"Xun, 01 Mar 2026 10:11:12 GMT", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-03-01T00:00:00.Z",
		"2026-03-01T00:00:60Z", "2026-03-01 00:00:00",
	} {
		if got, ok := parseTime([]byte(text)); ok {
			t.Errorf("%s: got %v", text, got)
		}
	}
}
