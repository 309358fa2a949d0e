-- Ends wrk's output with one line for a program to read: requests, seconds, p99 in ms, failures.
function done(summary, latency)
    local errors = summary.errors
    local failures = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    io.write(string.format("report %d %.6f %.3f %d\n",
        summary.requests, summary.duration / 1e6, latency:percentile(99) / 1e3, failures))
end
