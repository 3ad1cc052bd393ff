// Package schedule says when something is due and which time it is about: schedules of
// five cron fields or of plain words, and periods in words. It is pure: every answer
// follows from the text, a time zone and an instant.
package schedule
