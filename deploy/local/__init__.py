"""What `make up` starts and `make down` stops: a broker, a worker and a learner that stay. May import the product."""
