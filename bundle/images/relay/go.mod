module meshproof.dev/bundle/relay

go 1.26.0
