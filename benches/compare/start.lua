-- POST /start of a full session, as the widget sends it.
wrk.method = "POST"
wrk.body = '{"purpose":"report_move","auth_method":"irma","comm_method":"chat"}'
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/json"
dofile(debug.getinfo(1, "S").source:match("^@(.*)start%.lua$") .. "report.lua")
