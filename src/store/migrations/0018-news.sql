-- What the ledger says that people are to be told of, made into notices (0017) by the relay alone.

-- Whose agents a stop is about, as far as its scope names them.
CREATE FUNCTION estop.agents_of_scope(p_scope_key text, p_epoch bigint) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN CASE split_part(p_scope_key, ':', 1)
    WHEN 'agent' THEN ARRAY[substr(p_scope_key, 7)]
    WHEN 'task' THEN ARRAY(SELECT t.agent_id FROM estop.tasks t WHERE t.task_id = substr(p_scope_key, 6))
    WHEN 'label' THEN (estop.labelled_agents(p_scope_key, p_epoch))[1:50]
    ELSE '{}' END;
END $$;

-- Whom a provider knows by a number alone estop.yaml may know by a name (signIn.persons). Null: there is none, or two people have that number.
CREATE FUNCTION estop.name_of_person(p_actor text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT min(p.person) FROM estop.people p WHERE p_actor LIKE 'sub:%' AND p.name = p_actor HAVING count(DISTINCT p.person) = 1 AND min(p.person) <> p_actor
$$;

-- Each stage of each stop once; and that a stop is no longer proved. In a crowd of stops those over one agent or task are not told
-- one by one: the alarm is, and never quietly. All of them are latched, whatever is told.
CREATE FUNCTION estop.note_stops(p_window_ms bigint, p_crowd integer, p_crowd_ms bigint, p_nobody text) RETURNS integer
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  s record;
  stage text;
  heard text[];
  noted integer := 0;
  crowd integer := (SELECT count(*) FROM estop.stops x WHERE x.epoch > coalesce((SELECT max(y.epoch) FROM estop.stops y), 0) - 1000
    AND x.latched_at > clock_timestamp() - make_interval(secs => p_crowd_ms / 1000.0));
  quiet text;
BEGIN
  INSERT INTO estop.noticed_stops (stop_id, epoch, over)
    SELECT x.stop_id, x.epoch, x.latched_at < clock_timestamp() - make_interval(secs => p_window_ms / 1000.0) FROM estop.stops x
    WHERE x.epoch > coalesce((SELECT max(n.epoch) FROM estop.noticed_stops n), 0) ORDER BY x.epoch LIMIT 2000;
  IF crowd > p_crowd THEN
    PERFORM estop.add_notice('stop.burst', 'stops', to_char(date_bin('10 minutes', clock_timestamp(), 'epoch'::timestamptz) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI'),
      '{}', jsonb_build_object('stops', crowd, 'withinMs', p_crowd_ms,
        'actors', (SELECT jsonb_agg(a.actor) FROM (SELECT x.actor FROM estop.stops x
          WHERE x.latched_at > clock_timestamp() - make_interval(secs => p_crowd_ms / 1000.0) GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 5) a)), NULL);
  END IF;
  FOR s IN SELECT n.stop_id, n.told, x.epoch, x.scope_key, x.category, x.actor, x.method, x.reason, x.latched_at, x.reset_at, x.reset_by, x.reset_reason,
      p.fenced_at, p.halted_at, p.revoked_at, p.proved_at, p.evidence
    FROM estop.noticed_stops n JOIN estop.stops x ON x.stop_id = n.stop_id LEFT JOIN estop.stop_progress p ON p.stop_id = n.stop_id
    WHERE NOT n.over AND (NOT 'latched' = ANY (n.told) OR (p.fenced_at IS NOT NULL AND NOT 'fenced' = ANY (n.told))
      OR (p.halted_at IS NOT NULL AND NOT 'halted' = ANY (n.told)) OR (p.revoked_at IS NOT NULL AND NOT 'revoked' = ANY (n.told))
      OR (p.proved_at IS NOT NULL) <> ('proved' = ANY (n.told)) OR (x.reset_at IS NOT NULL AND NOT 'reset' = ANY (n.told)))
    ORDER BY n.epoch LIMIT 500 LOOP
    heard := s.told;
    IF NOT 'latched' = ANY (heard) AND crowd > p_crowd AND s.scope_key ~ '^(task|agent):' THEN heard := heard || 'quietly'::text; END IF;
    quiet := coalesce(p_nobody, CASE WHEN 'quietly' = ANY (heard) THEN 'crowd' END);
    FOREACH stage IN ARRAY ARRAY['latched', 'fenced', 'halted', 'revoked', 'proved', 'reset'] LOOP
      CONTINUE WHEN stage = ANY (heard) OR NOT (CASE stage WHEN 'latched' THEN true WHEN 'fenced' THEN s.fenced_at IS NOT NULL
        WHEN 'halted' THEN s.halted_at IS NOT NULL WHEN 'revoked' THEN s.revoked_at IS NOT NULL WHEN 'proved' THEN s.proved_at IS NOT NULL
        ELSE s.reset_at IS NOT NULL END);
      -- Of a stop in a crowd its latch alone is written down: thousands of rows that nobody is told of help nobody.
      IF stage = 'latched' OR NOT 'quietly' = ANY (heard) THEN
        PERFORM estop.add_notice('stop.' || stage, s.stop_id, CASE stage WHEN 'proved' THEN s.proved_at::text ELSE '' END,
          estop.agents_of_scope(s.scope_key, s.epoch),
          jsonb_build_object('scopeKey', s.scope_key, 'category', s.category, 'actor', s.actor, 'actorName', estop.name_of_person(s.actor),
            'method', s.method, 'reason', left(s.reason, 500), 'epoch', s.epoch)
            || CASE stage WHEN 'proved' THEN jsonb_build_object('evidence', s.evidence)
              WHEN 'reset' THEN jsonb_build_object('resetBy', s.reset_by, 'resetByName', estop.name_of_person(s.reset_by), 'resetReason', left(s.reset_reason, 500)) ELSE '{}' END, quiet);
      END IF;
      heard := heard || stage;
      noted := noted + 1;
    END LOOP;
    IF 'proved' = ANY (heard) AND s.proved_at IS NULL THEN
      PERFORM estop.add_notice('stop.proof-withdrawn', s.stop_id, clock_timestamp()::text, estop.agents_of_scope(s.scope_key, s.epoch),
        jsonb_build_object('scopeKey', s.scope_key, 'actor', s.actor, 'reason', left(s.reason, 500)), p_nobody);
      heard := array_remove(heard, 'proved');
      noted := noted + 1;
    END IF;
    UPDATE estop.noticed_stops n SET told = heard, over = s.reset_at IS NOT NULL AND s.proved_at IS NOT NULL WHERE n.stop_id = s.stop_id;
  END LOOP;
  RETURN noted;
END $$;

-- How risky a tool is, and who says so: what people decided in estop.yaml, else what was proposed of the accepted definition, else of the
-- first that was seen. Null: it is not on record.
CREATE FUNCTION estop.risk_of_tool(p_tool_key text) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH t AS (SELECT split_part(substr(p_tool_key, 6), '/', 1) AS server_id, split_part(substr(p_tool_key, 6), '/', 2) AS tool),
  decided AS (SELECT s.s -> 'tiers' ->> t.tool AS tier FROM t, (SELECT c.document FROM estop.config_versions c ORDER BY c.version DESC LIMIT 1) c,
    jsonb_path_query(c.document, '$.toolServers[*]') s(s) WHERE s.s ->> 'serverId' = t.server_id AND s.s -> 'tiers' ->> t.tool IS NOT NULL LIMIT 1)
  SELECT coalesce((SELECT jsonb_build_object('tier', d.tier, 'tierBy', 'estop.yaml') FROM decided d),
    (SELECT jsonb_build_object('tier', p.tier, 'tierBy', 'proposed') FROM t JOIN estop.tool_pins p USING (server_id, tool)
      ORDER BY p.state = 'accepted' DESC, p.first_seen_at LIMIT 1))
$$;

-- Everything else that people are told of. What happened longer ago than the window is not news to anybody.
CREATE FUNCTION estop.note_others(p_window_ms bigint, p_flood integer, p_lost_ms bigint, p_nobody text) RETURNS integer
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  r record;
  noted integer := 0;
  since timestamptz := clock_timestamp() - make_interval(secs => p_window_ms / 1000.0);
  told integer;
BEGIN
  FOR r IN SELECT o.cause_id, o.connector, count(*) AS lanes, array_agg(DISTINCT o.agent_id) AS agents, min(s.scope_key) AS scope_key, min(s.reason) AS reason
    FROM estop.obligations o LEFT JOIN estop.stops s ON s.stop_id = o.cause_id WHERE o.final_at IS NULL AND o.needs_human IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM estop.notices n WHERE n.event = 'obligation.needs-human' AND n.subject = o.cause_id AND n.nth = o.connector)
    GROUP BY 1, 2 LIMIT 100 LOOP
    PERFORM estop.add_notice('obligation.needs-human', r.cause_id, r.connector, r.agents[1:50],
      jsonb_build_object('connector', r.connector, 'obligations', r.lanes, 'scopeKey', r.scope_key, 'reason', left(r.reason, 500)), p_nobody);
    noted := noted + 1;
  END LOOP;

  FOR r IN SELECT a.approval_id, a.agent_id, a.task_id, a.tool_key, a.approvers, a.expires_at, a.requested_at FROM estop.approvals a
    WHERE a.state = 'pending' AND a.expires_at > clock_timestamp() AND a.requested_at > since
      AND NOT EXISTS (SELECT 1 FROM estop.notices n WHERE n.event = 'approval.asked' AND n.subject = a.approval_id AND n.nth = '')
    ORDER BY a.requested_at LIMIT 200 LOOP
    told := (SELECT count(*) FROM estop.notices n WHERE n.event = 'approval.asked' AND n.quiet IS DISTINCT FROM 'flood' AND n.agents = ARRAY[r.agent_id]
      AND n.noted_at > clock_timestamp() - interval '1 minute');
    PERFORM estop.add_notice('approval.asked', r.approval_id, '', ARRAY[r.agent_id], jsonb_build_object('taskId', r.task_id,
      'tool', substr(r.tool_key, 6), 'approvers', r.approvers, 'expiresAt', r.expires_at) || coalesce(estop.risk_of_tool(r.tool_key), '{}'), CASE WHEN told >= p_flood THEN 'flood' ELSE p_nobody END);
    IF told >= p_flood THEN
      PERFORM estop.add_notice('approval.flood', r.agent_id, to_char(date_bin('10 minutes', clock_timestamp(), 'epoch'::timestamptz) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI'),
        ARRAY[r.agent_id], jsonb_build_object('pending', (SELECT count(*) FROM estop.approvals x WHERE x.agent_id = r.agent_id AND x.state = 'pending')), p_nobody);
    END IF;
    noted := noted + 1;
  END LOOP;

  -- So that nobody sets out for what is over.
  FOR r IN SELECT a.approval_id, a.agent_id, a.tool_key, a.state, a.decided_by, n.quiet FROM estop.notices n JOIN estop.approvals a ON a.approval_id = n.subject
    WHERE n.event = 'approval.asked' AND n.noted_at > since AND a.state <> 'pending'
      AND NOT EXISTS (SELECT 1 FROM estop.notices e WHERE e.event = 'approval.ended' AND e.subject = n.subject AND e.nth = '') LIMIT 200 LOOP
    PERFORM estop.add_notice('approval.ended', r.approval_id, '', ARRAY[r.agent_id],
      jsonb_build_object('tool', substr(r.tool_key, 6), 'state', r.state, 'decidedBy', r.decided_by, 'decidedByName', estop.name_of_person(r.decided_by)), coalesce(p_nobody, r.quiet));
    noted := noted + 1;
  END LOOP;

  FOR r IN SELECT b.trip_id, b.agent_id, b.breaker, b.action, b.measured, b.most, b.within_ms, b.stop_id FROM estop.breaker_trips b
    WHERE b.tripped_at > since AND b.action <> 'shadow' AND NOT EXISTS (SELECT 1 FROM estop.notices n
      WHERE n.event IN ('breaker.tripped', 'budget.ended') AND n.subject = b.agent_id AND n.nth = b.trip_id::text) LIMIT 200 LOOP
    PERFORM estop.add_notice(CASE r.breaker WHEN 'over-budget' THEN 'budget.ended' ELSE 'breaker.tripped' END, r.agent_id, r.trip_id::text, ARRAY[r.agent_id],
      jsonb_build_object('breaker', r.breaker, 'action', r.action, 'measured', r.measured, 'most', r.most, 'withinMs', r.within_ms, 'stopId', r.stop_id), p_nobody);
    noted := noted + 1;
  END LOOP;

  -- One that closes says so; this one did not, and has not come back for a while.
  FOR r IN SELECT g.gateway_id, g.address, g.lapse_seen_at FROM estop.gateways g
    WHERE g.lapse_seen_at > since AND g.lapse_seen_at <= clock_timestamp() - make_interval(secs => p_lost_ms / 1000.0)
      AND NOT EXISTS (SELECT 1 FROM estop.notices n WHERE n.event = 'gateway.lost' AND n.subject = g.gateway_id AND n.nth = g.lapse_seen_at::text) LIMIT 200 LOOP
    PERFORM estop.add_notice('gateway.lost', r.gateway_id, r.lapse_seen_at::text, '{}', jsonb_build_object('address', r.address, 'since', r.lapse_seen_at), p_nobody);
    noted := noted + 1;
  END LOOP;

  FOR r IN SELECT a.seq, a.kind, a.actor, a.subject, a.detail, a.reason FROM estop.audit a
    WHERE a.kind IN ('policy.activated', 'policy.proposed', 'tool.changed', 'elevation.asked', 'elevation.begun') AND a.at > since
      AND NOT EXISTS (SELECT 1 FROM estop.notices n WHERE n.event = a.kind AND n.subject = a.subject AND n.nth = a.seq::text) LIMIT 200 LOOP
    PERFORM estop.add_notice(r.kind, r.subject, r.seq::text, '{}', jsonb_build_object('actor', r.actor, 'actorName', estop.name_of_person(r.actor), 'subject', r.subject,
      'of', r.detail ->> 'of', 'ofName', estop.name_of_person(r.detail ->> 'of'), 'role', r.detail ->> 'role', 'lifeMs', r.detail -> 'lifeMs',
      'activation', r.detail -> 'activation', 'secondedBy', r.detail ->> 'secondedBy',
      'reason', CASE WHEN r.kind <> 'tool.changed' THEN left(r.reason, 500) END), p_nobody);
    noted := noted + 1;
  END LOOP;

  -- About the agents that are given credentials there: their owners are told. One that a schedule repeats within the day says nothing new.
  FOR r IN SELECT a.seq, a.subject, d.by_schedule, ARRAY(SELECT x.agent_id FROM estop.agents x WHERE x.retired_at IS NULL
        AND x.spec -> 'grants' @> jsonb_build_array(jsonb_build_object('connector', substr(a.subject, 11))) ORDER BY 1 LIMIT 50) AS agents
    FROM estop.audit a LEFT JOIN estop.drills d ON d.task_id = a.detail ->> 'taskId' WHERE a.kind = 'drill.failed' AND a.at > since
      AND NOT EXISTS (SELECT 1 FROM estop.notices n WHERE n.event = a.kind AND n.subject = a.subject AND n.nth = a.seq::text)
    ORDER BY a.seq LIMIT 200 LOOP
    PERFORM estop.add_notice('drill.failed', r.subject, r.seq::text, r.agents, jsonb_build_object('scheduled', r.by_schedule),
      coalesce(p_nobody, CASE WHEN r.by_schedule AND EXISTS (SELECT 1 FROM estop.notices n WHERE n.event = 'drill.failed' AND n.subject = r.subject
        AND n.quiet IS NULL AND n.noted_at > clock_timestamp() - interval '1 day'
        AND NOT EXISTS (SELECT 1 FROM estop.drills o WHERE o.connector = substr(r.subject, 11) AND o.state = 'proved' AND o.finished_at > n.noted_at)) THEN 'said-before' END));
    noted := noted + 1;
  END LOOP;
  RETURN noted;
END $$;

-- Whoever resets a stop or decides a call has seen what was told of it until then, and what nobody can decide any more calls nobody else.
-- What needs a human under a stop that was reset needs one as ever, and so does what comes after the reset: a proof that is withdrawn.
-- Once the last probe of everything there has passed, or somebody answers for it, nobody is called to it any more.
CREATE FUNCTION estop.acknowledge_ended() RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  UPDATE estop.notices n SET acked_at = clock_timestamp(), acked_by = left(e.by_whom, 200)
  FROM (
    SELECT 'stop.' AS event, s.stop_id AS subject, s.reset_by AS by_whom, s.reset_at AS at FROM estop.stops s WHERE s.reset_at IS NOT NULL
    UNION ALL
    SELECT 'approval.', a.approval_id, coalesce(a.decided_by, 'nobody: it is ' || a.state), coalesce(a.decided_at, a.ended_at) FROM estop.approvals a) e
  WHERE n.escalates AND n.acked_at IS NULL AND n.subject = e.subject AND starts_with(n.event, e.event) AND n.noted_at <= e.at;
  UPDATE estop.notices n SET acked_at = clock_timestamp(), acked_by = 'nobody: nothing is left to do there'
  WHERE n.escalates AND n.acked_at IS NULL AND n.event = 'obligation.needs-human'
    AND EXISTS (SELECT 1 FROM estop.obligations o WHERE o.cause_id = n.subject AND o.connector = n.nth)
    AND NOT EXISTS (SELECT 1 FROM estop.obligations o WHERE o.cause_id = n.subject AND o.connector = n.nth AND o.final_at IS NULL)
$$;

-- One writer at a time; another relay that comes meanwhile has nothing to do. p_nobody: why nobody is told of anything, where that is so.
CREATE FUNCTION estop.note_news(p_window_ms bigint, p_crowd integer, p_crowd_ms bigint, p_flood integer, p_lost_ms bigint, p_nobody text) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT pg_try_advisory_xact_lock(1163088977, 3) THEN RETURN 0; END IF;
  PERFORM estop.acknowledge_ended();
  RETURN estop.note_stops(p_window_ms, p_crowd, p_crowd_ms, p_nobody) + estop.note_others(p_window_ms, p_flood, p_lost_ms, p_nobody);
END $$;

GRANT EXECUTE ON FUNCTION estop.note_news(bigint, integer, bigint, integer, bigint, text) TO estop_revoker;
