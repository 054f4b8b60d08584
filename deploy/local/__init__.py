"""What `make up` starts and `make down` stops: a broker and our programs, which stay. May import the product."""
