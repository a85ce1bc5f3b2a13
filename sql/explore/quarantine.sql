-- What could not be read, by feed and reason.
SELECT feed, reason, count(*) AS texts, count(DISTINCT file) AS files
FROM quarantine
GROUP BY feed, reason
ORDER BY feed, texts DESC, reason
