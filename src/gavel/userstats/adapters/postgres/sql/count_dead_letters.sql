-- How many letters are kept, counted no further than $1.
SELECT count(*) FROM (SELECT FROM dead_letters LIMIT $1) AS kept
