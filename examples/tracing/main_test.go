package main

import (
	"context"
	"fmt"
	"os"
)

func Example() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// save photo
	//   Create Container
	//     PUT http.response.status_code=201
	//   Upload
	//     Put Block
	//       PUT http.response.status_code=201
	//     Put Block
	//       PUT http.response.status_code=201
	//     Put Block List
	//       PUT http.response.status_code=503 error.type=503
	//       PUT http.response.status_code=201 http.request.resend_count=1
	//   Download
	//     Get Blob
	//       GET http.response.status_code=206
	// 6 requests brought their trace to the service
}
