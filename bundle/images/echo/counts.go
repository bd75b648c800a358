package main

import (
	"encoding/json"
	"net/http"
	"sync"
)

const (
	idHeader          = "X-Meshproof-Id"
	closedConnections = "closed-connections"
	countedIDs        = 20_000 // the last ones; older ones are forgotten
)

// counts tells how many requests carried an id: what a retry or a mirror did, as the server saw it.
type counts struct {
	mutex sync.Mutex
	byID  map[string]int
	ring  []string // ids by age, overwritten from next on once it is full
	next  int
}

func newIdentity(hostname, name string) identity {
	return identity{hostname: hostname, name: name, counts: &counts{byID: map[string]int{}}}
}

func (c *counts) add(id string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if _, known := c.byID[id]; !known && id != closedConnections {
		if len(c.ring) < countedIDs {
			c.ring = append(c.ring, id)
		} else {
			delete(c.byID, c.ring[c.next])
			c.ring[c.next] = id
			c.next = (c.next + 1) % countedIDs
		}
	}
	c.byID[id]++
}

func (c *counts) of(id string) int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.byID[id]
}

func (c *counts) answer(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]int{"count": c.of(r.PathValue("id"))})
}
