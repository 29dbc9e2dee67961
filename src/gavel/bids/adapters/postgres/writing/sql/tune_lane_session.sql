-- A lane's statements find every row by its key. Plans are made once, often while the tables are small, and must not
-- turn into scans of what has grown since. A lane that hangs between two statements soon loses its row locks.
SELECT set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false),
       set_config('enable_mergejoin', 'off', false), set_config('idle_in_transaction_session_timeout', $1, false)
