-- Breakers: what each agent did, counted by the gateways, and what came of it. Judging is src/core/breaker.ts in the relay. Nothing
-- here is written by ADMIT, so that no counter is a row that all calls of an agent wait for.

-- Counts of five seconds, by gateway and tool. The time is this database's: gateways may disagree about theirs.
CREATE TABLE estop.conduct (
  agent_id    text NOT NULL,
  slot        timestamptz NOT NULL,
  gateway_id  text NOT NULL,
  tool_key    text NOT NULL,
  calls       bigint NOT NULL,
  errors      bigint NOT NULL,
  denied      bigint NOT NULL,
  beyond      bigint NOT NULL,
  over_budget bigint NOT NULL,
  risk        bigint NOT NULL,
  microcents  bigint NOT NULL,
  PRIMARY KEY (agent_id, slot, gateway_id, tool_key)
);
CREATE INDEX conduct_by_age ON estop.conduct (slot);

-- Calls that were made more than once: their digests, nothing of what they said.
CREATE TABLE estop.conduct_repeats (
  agent_id   text NOT NULL,
  slot       timestamptz NOT NULL,
  gateway_id text NOT NULL,
  digest     bytea NOT NULL,
  calls      bigint NOT NULL,
  PRIMARY KEY (agent_id, slot, gateway_id, digest)
);
CREATE INDEX conduct_repeats_by_age ON estop.conduct_repeats (slot);

-- Calls by tool over all the time whose counts are gone: what an agent usually does.
CREATE TABLE estop.conduct_past (
  agent_id text NOT NULL,
  tool_key text NOT NULL,
  calls    bigint NOT NULL,
  PRIMARY KEY (agent_id, tool_key)
);

-- The numbers that tripped it stay with the trip. One open trip of one breaker of one agent.
CREATE TABLE estop.breaker_trips (
  trip_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  agent_id     text NOT NULL,
  breaker      text NOT NULL,
  action       text NOT NULL CHECK (action IN ('shadow', 'warn', 'hold', 'stop')),
  measured     bigint NOT NULL,
  most         bigint NOT NULL,
  within_ms    bigint NOT NULL,
  sample       bigint NOT NULL,
  tripped_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  stop_id      text CHECK ((stop_id IS NULL) = (action <> 'stop')),
  latched_at   timestamptz,
  cleared_at   timestamptz,
  cleared_by   text,
  clear_reason text
);
CREATE UNIQUE INDEX breaker_trips_open ON estop.breaker_trips (agent_id, breaker) WHERE cleared_at IS NULL;
CREATE INDEX breaker_trips_holding ON estop.breaker_trips (agent_id)
  WHERE cleared_at IS NULL AND (action = 'hold' OR (action = 'stop' AND latched_at IS NULL));
CREATE INDEX breaker_trips_newest ON estop.breaker_trips (tripped_at);
CREATE INDEX breaker_trips_cleared ON estop.breaker_trips (agent_id, breaker, cleared_at) WHERE cleared_at IS NOT NULL;

-- When the relay last looked at all breakers.
CREATE TABLE estop.breaker_looks (only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), looked_at timestamptz NOT NULL);

-- An agent with a breaker that acts is let through only while somebody watches it. Kept beside the specification, so that ADMIT
-- need not read that.
ALTER TABLE estop.agents ADD COLUMN must_be_watched boolean GENERATED ALWAYS AS
  (jsonb_path_exists(spec, '$.breakers[*] ? (@.action == "hold" || @.action == "stop")')) STORED;

-- A mark of the future was left before the clock went back: it proves nothing about now.
CREATE FUNCTION estop.is_unwatched(p_agent_id text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM estop.agents a WHERE a.agent_id = p_agent_id AND a.must_be_watched)
    AND NOT EXISTS (SELECT 1 FROM estop.breaker_looks l WHERE l.looked_at BETWEEN clock_timestamp() - interval '15 s' AND clock_timestamp());
END $$;

-- Held by a breaker: its agent's tasks and everything below them, old and new. A stop that is not latched yet holds as well.
CREATE FUNCTION estop.is_held_by_breaker(p_task_id text, p_ancestors text[]) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM estop.breaker_trips b
    WHERE b.cleared_at IS NULL AND (b.action = 'hold' OR (b.action = 'stop' AND b.latched_at IS NULL))
      AND b.agent_id IN (SELECT h.agent_id FROM estop.tasks h WHERE h.task_id = ANY (p_ancestors || p_task_id)));
END $$;

-- What a gateway saw since it last said so: added to the present five seconds, whatever the gateway's clock says. Locks: its own rows.
CREATE FUNCTION estop.note_conduct(p_gateway_id text, p_seen jsonb, p_repeats jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  now_slot timestamptz := date_bin('5 s', clock_timestamp(), 'epoch'::timestamptz);
BEGIN
  INSERT INTO estop.conduct AS c (agent_id, slot, gateway_id, tool_key, calls, errors, denied, beyond, over_budget, risk, microcents)
    SELECT x."agentId", now_slot, p_gateway_id, x."toolKey", x.calls, x.errors, x.denied, x.beyond, x."overBudget", x.risk, x.microcents
    FROM jsonb_to_recordset(p_seen) AS x("agentId" text, "toolKey" text, calls bigint, errors bigint, denied bigint, beyond bigint,
      "overBudget" bigint, risk bigint, microcents bigint)
    ON CONFLICT (agent_id, slot, gateway_id, tool_key) DO UPDATE SET calls = c.calls + excluded.calls, errors = c.errors + excluded.errors,
      denied = c.denied + excluded.denied, beyond = c.beyond + excluded.beyond, over_budget = c.over_budget + excluded.over_budget,
      risk = c.risk + excluded.risk, microcents = c.microcents + excluded.microcents;
  INSERT INTO estop.conduct_repeats AS c (agent_id, slot, gateway_id, digest, calls)
    SELECT x."agentId", now_slot, p_gateway_id, decode(x.digest, 'hex'), x.calls
    FROM jsonb_to_recordset(p_repeats) AS x("agentId" text, digest text, calls bigint)
    ON CONFLICT (agent_id, slot, gateway_id, digest) DO UPDATE SET calls = c.calls + excluded.calls;
END $$;

-- Everything a breaker is judged by, for each rule of each agent: within its window, and since a person, or the reset of a stop,
-- last cleared it, so that old counts do not trip it again. Slots of the future (a clock that went back) count: too much rather than too little.
CREATE FUNCTION estop.measure_breakers() RETURNS TABLE (
  agent_id text, breaker text, action text, most bigint, at_least bigint, within_ms bigint, open_action text,
  calls bigint, errors bigint, denied bigint, beyond bigint, over_budget bigint, risk bigint, microcents bigint, repeated bigint, children bigint, tools jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  WITH rules AS MATERIALIZED (
    SELECT a.agent_id, r.breaker, r.action, r.most, r."atLeast" AS at_least, r."withinMs" AS within_ms,
      greatest(clock_timestamp() - make_interval(secs => r."withinMs" / 1000.0), (
        SELECT max(b.cleared_at) FROM estop.breaker_trips b WHERE b.agent_id = a.agent_id AND b.breaker = r.breaker AND b.cleared_by IS NOT NULL)) AS since
    FROM estop.agents a, jsonb_to_recordset(coalesce(a.spec->'breakers', '[]'::jsonb)) AS r(breaker text, action text, most bigint, "atLeast" bigint, "withinMs" bigint)
    WHERE a.retired_at IS NULL)
  SELECT u.agent_id, u.breaker, u.action, u.most, u.at_least, u.within_ms,
    (SELECT b.action FROM estop.breaker_trips b WHERE b.agent_id = u.agent_id AND b.breaker = u.breaker AND b.cleared_at IS NULL),
    c.calls, c.errors, c.denied, c.beyond, c.over_budget, c.risk, c.microcents,
    CASE u.breaker WHEN 'repetition' THEN coalesce((SELECT max(n.calls) FROM (
      SELECT sum(d.calls)::bigint AS calls FROM estop.conduct_repeats d WHERE d.agent_id = u.agent_id AND d.slot > u.since GROUP BY d.digest) n), 0) ELSE 0 END,
    CASE u.breaker WHEN 'fan-out' THEN (SELECT count(*) FROM estop.tasks k JOIN estop.tasks p ON p.task_id = k.parent_id
      WHERE k.registered_at > u.since AND p.agent_id = u.agent_id) ELSE 0 END,
    CASE u.breaker WHEN 'behaviour-drift' THEN (
      SELECT coalesce(jsonb_agg(jsonb_build_object('now', s.present, 'before', s.past)), '[]'::jsonb) FROM (
        SELECT sum(m.present)::bigint AS present, sum(m.past)::bigint AS past FROM (
          SELECT e.tool_key, CASE WHEN e.slot > u.since THEN e.calls ELSE 0 END AS present, CASE WHEN e.slot > u.since THEN 0 ELSE e.calls END AS past
            FROM estop.conduct e WHERE e.agent_id = u.agent_id
          UNION ALL SELECT h.tool_key, 0, h.calls FROM estop.conduct_past h WHERE h.agent_id = u.agent_id) m GROUP BY m.tool_key) s) ELSE '[]'::jsonb END
  FROM rules u CROSS JOIN LATERAL (
    SELECT coalesce(sum(x.calls), 0)::bigint AS calls, coalesce(sum(x.errors), 0)::bigint AS errors, coalesce(sum(x.denied), 0)::bigint AS denied,
      coalesce(sum(x.beyond), 0)::bigint AS beyond, coalesce(sum(x.over_budget), 0)::bigint AS over_budget, coalesce(sum(x.risk), 0)::bigint AS risk,
      coalesce(sum(x.microcents), 0)::bigint AS microcents
    FROM estop.conduct x WHERE x.agent_id = u.agent_id AND x.slot > u.since) c;
END $$;

-- One open trip, however many relays see it. A louder action takes the place of a quieter one, never the other way round. With a
-- stop's id it is an order to be latched under that id: whoever finds it here latches it, so that a crash in between loses none.
CREATE FUNCTION estop.trip_breaker(
  p_agent_id text, p_breaker text, p_action text, p_measured bigint, p_most bigint, p_within_ms bigint, p_sample bigint, p_stop_id text
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  was jsonb := (SELECT jsonb_build_object('action', b.action) FROM estop.breaker_trips b
    WHERE b.agent_id = p_agent_id AND b.breaker = p_breaker AND b.cleared_at IS NULL);
  louder text[] := CASE p_action WHEN 'shadow' THEN '{}'::text[] WHEN 'warn' THEN '{shadow}' WHEN 'hold' THEN '{shadow,warn}' ELSE '{shadow,warn,hold}' END;
BEGIN
  UPDATE estop.breaker_trips b SET cleared_at = clock_timestamp(), clear_reason = 'tripped again, louder'
    WHERE b.agent_id = p_agent_id AND b.breaker = p_breaker AND b.cleared_at IS NULL AND b.action = ANY (louder);
  INSERT INTO estop.breaker_trips (agent_id, breaker, action, measured, most, within_ms, sample, stop_id)
    VALUES (p_agent_id, p_breaker, p_action, p_measured, p_most, p_within_ms, p_sample, p_stop_id) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO estop.audit (kind, actor, subject, detail, before, after) VALUES ('breaker.tripped', 'breaker', p_agent_id, jsonb_build_object(
    'breaker', p_breaker, 'action', p_action, 'measured', p_measured, 'most', p_most, 'withinMs', p_within_ms, 'sample', p_sample, 'stopId', p_stop_id),
    coalesce(was, '{"action": null}'), jsonb_build_object('action', p_action));
  RETURN true;
END $$;

-- From here on the stop itself is what covers the agent; so only once it is in the ledger.
CREATE FUNCTION estop.note_trip_latched(p_stop_id text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE estop.breaker_trips b SET latched_at = clock_timestamp()
    WHERE b.stop_id = p_stop_id AND b.latched_at IS NULL
      AND EXISTS (SELECT 1 FROM estop.stops s WHERE s.stop_id = p_stop_id AND s.scope_key = 'agent:' || b.agent_id);
  RETURN FOUND;
END $$;

-- What only tells ends when it is quiet again; a stop's trip when the stop was reset. Neither ends a hold.
CREATE FUNCTION estop.rearm_breakers(p_agents text[], p_breakers text[]) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  quiet integer;
  freed integer;
BEGIN
  UPDATE estop.breaker_trips b SET cleared_at = clock_timestamp(), clear_reason = 'quiet again'
    FROM unnest(p_agents, p_breakers) AS q(agent_id, breaker)
    WHERE b.agent_id = q.agent_id AND b.breaker = q.breaker AND b.cleared_at IS NULL AND b.action IN ('shadow', 'warn');
  GET DIAGNOSTICS quiet = ROW_COUNT;
  UPDATE estop.breaker_trips b SET cleared_at = clock_timestamp(), cleared_by = s.reset_by, clear_reason = 'its stop was reset'
    FROM estop.stops s WHERE s.stop_id = b.stop_id AND b.cleared_at IS NULL AND b.latched_at IS NOT NULL AND s.reset_at IS NOT NULL;
  GET DIAGNOSTICS freed = ROW_COUNT;
  RETURN quiet + freed;
END $$;

-- By a person, with a reason. A stop is reset as a stop.
CREATE FUNCTION estop.reset_breaker(p_agent_id text, p_breaker text, p_actor text, p_reason text) RETURNS TABLE (outcome text, stop_id text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  b estop.breaker_trips%ROWTYPE;
BEGIN
  IF coalesce(p_actor, '') = '' OR coalesce(p_reason, '') = '' THEN
    RAISE EXCEPTION 'a reset needs a person and a reason' USING ERRCODE = 'ES002';
  END IF;
  SELECT * INTO b FROM estop.breaker_trips x WHERE x.agent_id = p_agent_id AND x.breaker = p_breaker AND x.cleared_at IS NULL FOR UPDATE;
  IF b.trip_id IS NULL THEN RETURN QUERY SELECT 'not-tripped'::text, NULL::text; RETURN; END IF;
  IF b.action = 'stop' THEN RETURN QUERY SELECT 'stopped'::text, b.stop_id; RETURN; END IF;
  UPDATE estop.breaker_trips x SET cleared_at = clock_timestamp(), cleared_by = p_actor, clear_reason = p_reason WHERE x.trip_id = b.trip_id;
  INSERT INTO estop.audit (kind, actor, subject, detail, reason, before, after)
    VALUES ('breaker.reset', left(p_actor, 200), p_agent_id, jsonb_build_object('breaker', p_breaker), left(p_reason, 2000),
      jsonb_build_object('action', b.action, 'trippedAt', b.tripped_at), '{"action": null}');
  RETURN QUERY SELECT 'reset'::text, NULL::text;
END $$;

CREATE FUNCTION estop.note_breaker_look() RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO estop.breaker_looks AS l (looked_at) VALUES (clock_timestamp()) ON CONFLICT (only_row) DO UPDATE SET looked_at = excluded.looked_at
$$;

-- Counts of more than two hours ago are added to the past of their agent; the longest window is one hour. Returns how many rows went.
CREATE FUNCTION estop.fold_conduct(p_limit integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  before timestamptz := clock_timestamp() - interval '2 h';
  folded integer;
  dropped integer;
BEGIN
  WITH old AS (
    DELETE FROM estop.conduct d WHERE d.ctid IN (SELECT c.ctid FROM estop.conduct c WHERE c.slot < before ORDER BY c.slot LIMIT p_limit FOR UPDATE SKIP LOCKED)
    RETURNING d.agent_id, d.tool_key, d.calls),
  kept AS (
    INSERT INTO estop.conduct_past AS p (agent_id, tool_key, calls)
      SELECT o.agent_id, o.tool_key, sum(o.calls) FROM old o WHERE o.calls > 0 GROUP BY 1, 2 ORDER BY 1, 2
      ON CONFLICT (agent_id, tool_key) DO UPDATE SET calls = p.calls + excluded.calls)
  SELECT count(*) INTO folded FROM old;
  DELETE FROM estop.conduct_repeats d WHERE d.ctid IN (
    SELECT c.ctid FROM estop.conduct_repeats c WHERE c.slot < before ORDER BY c.slot LIMIT p_limit FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS dropped = ROW_COUNT;
  RETURN greatest(folded, dropped);
END $$;

-- Budgets of what is closed, and of days long gone. What an agent spent in all is kept.
CREATE FUNCTION estop.prune_budgets(p_older_ms bigint, p_limit integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  before timestamptz := clock_timestamp() - make_interval(secs => p_older_ms / 1000.0);
  pruned integer;
BEGIN
  IF p_older_ms IS NULL OR p_older_ms < 2 * 86400000::bigint OR p_limit IS NULL THEN
    RAISE EXCEPTION 'budgets are kept for at least two days' USING ERRCODE = 'ES002';
  END IF;
  DELETE FROM estop.budgets d WHERE d.budget_key IN (
    SELECT b.budget_key FROM estop.budgets b
    WHERE b.opened_at < before AND (b.scope = 'day' OR (b.scope IN ('task', 'tree') AND NOT EXISTS (
      SELECT 1 FROM estop.tasks t WHERE t.state <> 'closed'
        AND (t.task_id = substr(b.budget_key, 6) OR t.root_id = substr(b.budget_key, 6)))))
    LIMIT p_limit FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS pruned = ROW_COUNT;
  RETURN pruned;
END $$;

GRANT EXECUTE ON FUNCTION estop.note_conduct(text, jsonb, jsonb) TO estop_gateway;
GRANT EXECUTE ON FUNCTION estop.reset_breaker(text, text, text, text) TO estop_control;
GRANT EXECUTE ON FUNCTION estop.is_held_by_breaker(text, text[]) TO estop_control, estop_trusted, estop_revoker;
GRANT EXECUTE ON FUNCTION
  estop.measure_breakers(), estop.trip_breaker(text, text, text, bigint, bigint, bigint, bigint, text), estop.note_trip_latched(text),
  estop.rearm_breakers(text[], text[]), estop.note_breaker_look(), estop.fold_conduct(integer), estop.prune_budgets(bigint, integer)
  TO estop_revoker;
GRANT SELECT ON estop.breaker_trips TO estop_control, estop_trusted, estop_revoker;
GRANT SELECT ON estop.conduct TO estop_control;
