module meshproof.dev/bundle/echo

go 1.26.0
