-- Drills: a credential that nobody uses, made by a connector to be cut off and proved dead by what does that for any credential. Each is
-- a task of an agent that cannot be configured (its name has a slash), with one grant; what ends it is the end of that task, as for any
-- other. So nothing of an agent is touched, a stop that covers it covers it, and whatever is killed half way, its credential ends.
CREATE TABLE estop.drills (
  task_id     text PRIMARY KEY,
  connector   text NOT NULL,
  asked_by    text NOT NULL,
  by_schedule boolean NOT NULL DEFAULT false,
  asked_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  state       text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'proved', 'failed', 'impossible')),
  why         text,
  evidence    text,
  intended_at timestamptz,
  issued_at   timestamptz,
  ended_at    timestamptz,
  revoked_at  timestamptz,
  proved_at   timestamptz,
  finished_at timestamptz
);
CREATE UNIQUE INDEX drills_under_way ON estop.drills (connector) WHERE state = 'asked';
CREATE INDEX drills_newest ON estop.drills (connector, asked_at DESC);
CREATE INDEX drills_proved ON estop.drills (connector, asked_at DESC) WHERE state = 'proved';
CREATE INDEX drills_by_age ON estop.drills (finished_at);
-- Lists leave out drills that are over, and do not have to walk past them. That no work of an agent is called one the table itself sees to.
CREATE INDEX tasks_page_no_past_drills ON estop.tasks (registered_at DESC, task_id DESC) WHERE kind <> 'drill' OR state <> 'closed';

-- One at a time at a connector: two would only stand in each other's light.
CREATE FUNCTION estop.ask_drill(p_task_id text, p_connector text, p_actor text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO estop.drills (task_id, connector, asked_by) VALUES (p_task_id, p_connector, left(p_actor, 200)) ON CONFLICT DO NOTHING;
  IF FOUND THEN
    INSERT INTO estop.audit (kind, actor, subject, detail, after)
      VALUES ('drill.asked', left(p_actor, 200), 'connector:' || left(p_connector, 200), jsonb_build_object('taskId', p_task_id), '{"state": "asked"}');
    RETURN 'asked';
  END IF;
  RETURN CASE WHEN EXISTS (SELECT 1 FROM estop.drills d WHERE d.task_id = p_task_id AND d.connector = p_connector) THEN 'asked' ELSE 'busy' END;
END $$;

-- Whether a connector that is tried every so often was not tried for so long, by whomever. What proved nothing is tried again within the hour,
-- so that a drill that was cut short by a restart does not speak for a day. A row of a clock that has been set back since says nothing.
-- Where the credential of one is not dead yet, none is given besides: a connector that cuts nothing off would be given one after another.
CREATE FUNCTION estop.drill_is_due(p_connector text, p_every_ms bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  newest record;
BEGIN
  IF EXISTS (SELECT 1 FROM estop.drills d WHERE d.connector = p_connector AND d.state = 'asked') OR EXISTS (SELECT 1 FROM estop.obligations o
    WHERE o.agent_id = 'drill/' || p_connector AND o.connector = p_connector AND o.final_at IS NULL) THEN RETURN false; END IF;
  SELECT d.state, d.asked_at INTO newest FROM estop.drills d WHERE d.connector = p_connector AND d.asked_at <= clock_timestamp()
    ORDER BY d.asked_at DESC LIMIT 1;
  IF NOT FOUND THEN RETURN true; END IF;
  RETURN newest.asked_at + make_interval(secs => (CASE newest.state WHEN 'proved' THEN p_every_ms ELSE least(p_every_ms, 3600000) END) / 1000.0)
    <= clock_timestamp();
END $$;

-- By the schedule: never under a stop that covers it, nor while any stop of the last minutes is being worked off, and few at a time.
-- One writer at a time; another relay that comes meanwhile has nothing to do.
CREATE FUNCTION estop.ask_due_drill(p_task_id text, p_connector text, p_every_ms bigint) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  agent text := 'drill/' || p_connector;
BEGIN
  IF p_every_ms IS NULL OR p_every_ms < 300000 THEN RAISE EXCEPTION 'a connector is drilled at most every five minutes' USING ERRCODE = 'ES002'; END IF;
  IF NOT pg_try_advisory_xact_lock(1163088977, 4) OR NOT estop.drill_is_due(p_connector, p_every_ms) THEN RETURN 'not-due'; END IF;
  IF estop.dead_by(ARRAY['fleet', 'agent:' || agent, 'connector:' || p_connector], ARRAY[agent], estop.current_epoch()) IS NOT NULL THEN RETURN 'stopped'; END IF;
  IF EXISTS (SELECT 1 FROM estop.stops s LEFT JOIN estop.stop_progress p ON p.stop_id = s.stop_id WHERE s.epoch > estop.current_epoch() - 1000
      AND s.latched_at > clock_timestamp() - interval '10 minutes' AND p.proved_at IS NULL)
    OR (SELECT count(*) FROM estop.drills d WHERE d.state = 'asked' AND d.by_schedule) >= 4 THEN RETURN 'later'; END IF;
  INSERT INTO estop.drills (task_id, connector, asked_by, by_schedule) VALUES (p_task_id, p_connector, 'schedule', true) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN 'not-due'; END IF;
  INSERT INTO estop.audit (kind, actor, subject, detail, after)
    VALUES ('drill.asked', 'schedule', 'connector:' || left(p_connector, 200), jsonb_build_object('taskId', p_task_id), '{"state": "asked"}');
  RETURN 'asked';
END $$;

-- Registers its task, under the same stop check as any. rule: register-before-start, mint-epoch-and-stops-one-statement
CREATE FUNCTION estop.begin_drill(p_task_id text) RETURNS TABLE (decision text, stop_id text, epoch bigint, connector text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  d estop.drills%ROWTYPE;
  t estop.tasks%ROWTYPE;
  agent text;
  all_keys text[];
  now_epoch bigint;
  killer text;
BEGIN
  SELECT * INTO d FROM estop.drills x WHERE x.task_id = p_task_id AND x.state = 'asked' FOR UPDATE;
  IF d.task_id IS NULL THEN RETURN QUERY SELECT 'over'::text, NULL::text, NULL::bigint, NULL::text; RETURN; END IF;
  SELECT * INTO t FROM estop.tasks x WHERE x.task_id = p_task_id;
  IF t.task_id IS NOT NULL THEN
    RETURN QUERY SELECT CASE WHEN t.state = 'closed' THEN 'over' ELSE 'begun' END, NULL::text, t.epoch, d.connector; RETURN;
  END IF;
  agent := 'drill/' || d.connector;
  all_keys := ARRAY['fleet', 'agent:' || agent, 'task:' || p_task_id];
  SELECT e.epoch, estop.dead_by(all_keys || ('connector:' || d.connector), ARRAY[agent], e.epoch) INTO now_epoch, killer
    FROM (SELECT estop.current_epoch() AS epoch) e;
  IF killer IS NOT NULL THEN RETURN QUERY SELECT 'stopped'::text, killer, now_epoch, d.connector; RETURN; END IF;
  INSERT INTO estop.tasks (task_id, agent_id, parent_id, root_id, ancestors, agents, keys, epoch, depth, purpose, kind, requested_by, state)
    VALUES (p_task_id, agent, NULL, p_task_id, '{}', ARRAY[agent], all_keys, now_epoch, 0, 'drill', 'drill', d.asked_by, 'registered');
  RETURN QUERY SELECT 'begun'::text, NULL::text, now_epoch, d.connector;
END $$;

-- The mint, for the task of a drill alone: who works stops off may give nothing to an agent.
CREATE FUNCTION estop.drill_intend(p_task_id text, p_grant_id text, p_target text, p_shared boolean, p_handle jsonb, p_epoch bigint, p_life_ms bigint)
RETURNS TABLE (decision text, stop_id text, absolute_end timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY SELECT m.decision, m.stop_id, m.absolute_end FROM estop.drills d
    CROSS JOIN LATERAL estop.mint_intend(p_grant_id, 'drill', p_task_id, d.connector, p_target, p_shared, p_handle, p_epoch, p_life_ms, NULL) m
    WHERE d.task_id = p_task_id AND d.state = 'asked';
  IF NOT FOUND THEN RETURN QUERY SELECT 'unknown-task'::text, NULL::text, NULL::timestamptz; END IF;
END $$;

CREATE FUNCTION estop.drill_issued(p_task_id text, p_grant_id text, p_sealed bytea) RETURNS TABLE (decision text, stop_id text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY SELECT m.decision, m.stop_id FROM estop.grants g JOIN estop.drills d ON d.task_id = g.task_id
    CROSS JOIN LATERAL estop.mint_issued(p_grant_id, p_sealed) m WHERE g.grant_id = p_grant_id AND g.task_id = p_task_id;
  IF NOT FOUND THEN RETURN QUERY SELECT 'ended'::text, NULL::text; END IF;
END $$;

-- What it came to, once. `proved` is what the ledger bears out, not what anybody says: its credential was issued, and is proved dead.
CREATE FUNCTION estop.finish_drill(p_task_id text, p_state text, p_why text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  d estop.drills%ROWTYPE;
  seen record;
  ended text;
  reason text;
BEGIN
  SELECT * INTO d FROM estop.drills x WHERE x.task_id = p_task_id AND x.state = 'asked' FOR UPDATE;
  IF d.task_id IS NULL THEN RETURN (SELECT x.state FROM estop.drills x WHERE x.task_id = p_task_id); END IF;
  SELECT g.intended_at, g.issued_at, t.closed_at, o.revoked_at, o.proved_at, o.evidence, o.state, o.final_at INTO seen
    FROM (SELECT p_task_id AS task_id) i LEFT JOIN estop.tasks t USING (task_id) LEFT JOIN estop.grants g USING (task_id)
    LEFT JOIN estop.obligations o ON o.grant_id = g.grant_id ORDER BY o.opened_at DESC NULLS LAST LIMIT 1;
  ended := CASE WHEN p_state <> 'proved' THEN p_state
    WHEN seen.issued_at IS NOT NULL AND seen.state = 'proved' AND seen.final_at IS NOT NULL THEN 'proved' ELSE 'failed' END;
  reason := CASE WHEN ended = p_state THEN left(p_why, 500) ELSE 'The ledger does not bear out that it is dead.' END;
  UPDATE estop.drills x SET state = ended, why = reason, evidence = seen.evidence, intended_at = seen.intended_at, issued_at = seen.issued_at,
    ended_at = seen.closed_at, revoked_at = seen.revoked_at, proved_at = seen.proved_at, finished_at = clock_timestamp() WHERE x.task_id = p_task_id;
  INSERT INTO estop.audit (kind, actor, subject, detail, before, after) VALUES ('drill.' || ended, 'drill', 'connector:' || left(d.connector, 200),
    jsonb_strip_nulls(jsonb_build_object('taskId', p_task_id, 'askedBy', d.asked_by, 'why', reason)), '{"state": "asked"}', jsonb_build_object('state', ended));
  RETURN ended;
END $$;

-- One batch of drills that are long over, each with its task once nothing of that is left. Of every connector there stay the newest, the newest
-- that was proved, and where none ever was, the first: by these its age is told.
CREATE FUNCTION estop.prune_drills(p_older_ms bigint, p_limit integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  before timestamptz := clock_timestamp() - make_interval(secs => p_older_ms / 1000.0);
  pruned integer;
BEGIN
  IF p_older_ms IS NULL OR p_older_ms < 86400000 OR p_limit IS NULL THEN
    RAISE EXCEPTION 'rows are kept for at least a day' USING ERRCODE = 'ES002';
  END IF;
  WITH old AS (
    SELECT d.task_id FROM estop.drills d WHERE d.finished_at < before AND d.state <> 'asked'
      AND NOT EXISTS (SELECT 1 FROM estop.grants g WHERE g.task_id = d.task_id)
      AND NOT EXISTS (SELECT 1 FROM estop.tasks t WHERE t.task_id = d.task_id AND t.state <> 'closed')
      AND EXISTS (SELECT 1 FROM estop.drills n WHERE n.connector = d.connector AND n.asked_at > d.asked_at AND n.state <> 'asked')
      AND (EXISTS (SELECT 1 FROM estop.drills n WHERE n.connector = d.connector AND n.asked_at > d.asked_at AND n.state = 'proved')
        OR (d.state <> 'proved' AND EXISTS (SELECT 1 FROM estop.drills n WHERE n.connector = d.connector AND n.asked_at < d.asked_at)))
    LIMIT p_limit FOR UPDATE OF d SKIP LOCKED),
  held AS (DELETE FROM estop.tasks t USING old WHERE t.task_id = old.task_id)
  DELETE FROM estop.drills d USING old WHERE d.task_id = old.task_id;
  GET DIAGNOSTICS pruned = ROW_COUNT;
  RETURN pruned;
END $$;

GRANT EXECUTE ON FUNCTION estop.ask_drill(text, text, text) TO estop_control;
GRANT EXECUTE ON FUNCTION estop.begin_drill(text), estop.drill_intend(text, text, text, boolean, jsonb, bigint, bigint),
  estop.drill_issued(text, text, bytea), estop.finish_drill(text, text, text), estop.drill_is_due(text, bigint),
  estop.ask_due_drill(text, text, bigint), estop.prune_drills(bigint, integer) TO estop_revoker;
GRANT SELECT ON estop.drills TO estop_control, estop_revoker;
