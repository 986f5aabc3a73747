//go:build !race

package azureblob

const raceEnabled = false
