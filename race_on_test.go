//go:build race

package azureblob

const raceEnabled = true
