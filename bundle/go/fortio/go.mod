module meshproof.dev/bundle/fortio

go 1.26.0

tool fortio.org/fortio

require (
	fortio.org/cli v1.2.0 // indirect
	fortio.org/dflag v1.5.2 // indirect
	fortio.org/fortio v1.57.3 // indirect
	fortio.org/log v1.7.0 // indirect
	fortio.org/scli v1.8.0 // indirect
	fortio.org/sets v1.0.3 // indirect
	fortio.org/version v1.0.2 // indirect
	github.com/fsnotify/fsnotify v1.6.0 // indirect
	github.com/golang/protobuf v1.5.3 // indirect
	github.com/google/uuid v1.3.0 // indirect
	golang.org/x/exp v0.0.0-20230425010034-47ecfdc1ba53 // indirect
	golang.org/x/net v0.12.0 // indirect
	golang.org/x/sys v0.10.0 // indirect
	golang.org/x/text v0.11.0 // indirect
	google.golang.org/genproto v0.0.0-20230410155749-daa745c078e1 // indirect
	google.golang.org/grpc v1.56.2 // indirect
	google.golang.org/protobuf v1.31.0 // indirect
)
