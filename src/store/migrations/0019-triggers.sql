-- Triggers: what an alert asked for, before anything is done about it; and playbooks: what waits for a person after a stop.

-- One row for one alert of one trigger, however often it is sent. A stop in it is an order to be latched under the id in it, by
-- whoever finds it here, so that a crash in between loses none.
CREATE TABLE estop.trigger_firings (
  trigger_id text NOT NULL,
  alert_id   text NOT NULL,
  action     text NOT NULL CHECK (action IN ('stop', 'hold')),
  scope_key  text NOT NULL,
  category   smallint NOT NULL CHECK (category IN (0, 1)),
  grace_ms   integer NOT NULL CHECK (grace_ms BETWEEN 0 AND 60000),
  reason     text NOT NULL,
  stop_id    text UNIQUE CHECK ((stop_id IS NULL) = (action = 'hold')),
  fired_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  seen_at    timestamptz NOT NULL DEFAULT clock_timestamp(), -- when it was sent last: one that goes on is not forgotten
  attempts   integer NOT NULL DEFAULT 0, -- that failed
  next_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  failure    text,
  latched_at timestamptz,
  latched_as text, -- another id where that of the order was another stop's already
  failed_at  timestamptz, -- given up: no stop came of it, and people were told
  PRIMARY KEY (trigger_id, alert_id)
);
CREATE INDEX trigger_firings_to_latch ON estop.trigger_firings (fired_at) WHERE action = 'stop' AND latched_at IS NULL AND failed_at IS NULL;
CREATE INDEX trigger_firings_given_up ON estop.trigger_firings (failed_at) WHERE failed_at IS NOT NULL;
CREATE INDEX trigger_firings_by_age ON estop.trigger_firings (seen_at);

-- Whether triggers that follow the ledger have looked at it.
ALTER TABLE estop.notices ADD COLUMN judged_at timestamptz, ADD COLUMN judge_attempts integer NOT NULL DEFAULT 0, ADD COLUMN judge_at timestamptz,
  ADD COLUMN judge_failure text;
CREATE INDEX notices_to_judge ON estop.notices (seq) WHERE judged_at IS NULL
  AND event IN ('breaker.tripped', 'approval.flood', 'budget.ended', 'policy.activated', 'policy.proposed', 'tool.changed');

-- Fires once. A hold is done here and now: of an agent as a breaker's hold is, so that it is listed, shown and reset as one. An alert
-- that was sent again finds what the first one did.
CREATE FUNCTION estop.fire_trigger(
  p_trigger_id text, p_alert_id text, p_action text, p_scope_key text, p_category smallint, p_grace_ms integer, p_reason text, p_stop_id text
) RETURNS TABLE (fresh boolean, action text, scope_key text, stop_id text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  actor text := 'trigger:' || left(p_trigger_id, 100);
  of_agent text := CASE WHEN p_scope_key LIKE 'agent:%' THEN substr(p_scope_key, 7) END;
BEGIN
  IF coalesce(p_trigger_id, '') = '' OR coalesce(p_alert_id, '') = '' THEN
    RAISE EXCEPTION 'a trigger and an alert have names' USING ERRCODE = 'ES002';
  END IF;
  IF p_action = 'hold' AND p_scope_key !~ '^(agent|task):' THEN
    RAISE EXCEPTION 'agents and tasks are held, nothing else' USING ERRCODE = 'ES002';
  END IF;
  PERFORM estop.commit_durably();
  INSERT INTO estop.trigger_firings (trigger_id, alert_id, action, scope_key, category, grace_ms, reason, stop_id)
    VALUES (p_trigger_id, p_alert_id, p_action, p_scope_key, p_category, p_grace_ms, left(p_reason, 500), p_stop_id) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    UPDATE estop.trigger_firings f SET seen_at = clock_timestamp()
      WHERE f.trigger_id = p_trigger_id AND f.alert_id = p_alert_id AND f.seen_at < clock_timestamp() - interval '1 minute';
    -- One that was given up is asked for again, as it is meant now.
    UPDATE estop.trigger_firings f SET failed_at = NULL, attempts = 0, fired_at = clock_timestamp(), next_at = clock_timestamp(), scope_key = p_scope_key,
        category = p_category, grace_ms = p_grace_ms, reason = left(p_reason, 500), stop_id = p_stop_id
      WHERE f.trigger_id = p_trigger_id AND f.alert_id = p_alert_id AND f.failed_at IS NOT NULL AND f.action = p_action;
    RETURN QUERY SELECT false, f.action, f.scope_key, f.stop_id FROM estop.trigger_firings f WHERE f.trigger_id = p_trigger_id AND f.alert_id = p_alert_id;
    RETURN;
  END IF;
  -- What it goes on to do here is done by a trigger, too.
  PERFORM set_config('estop.method', 'trigger', true);
  INSERT INTO estop.audit (kind, actor, subject, detail, reason, after) VALUES ('trigger.fired', actor, p_scope_key, jsonb_build_object('alertId', p_alert_id),
    left(p_reason, 500), jsonb_strip_nulls(jsonb_build_object('action', p_action, 'stopId', p_stop_id)));
  IF p_action = 'hold' AND of_agent IS NOT NULL THEN
    INSERT INTO estop.breaker_trips (agent_id, breaker, action, measured, most, within_ms, sample) VALUES (of_agent, 'trigger', 'hold', 1, 0, 0, 1)
      ON CONFLICT DO NOTHING;
  ELSIF p_action = 'hold' THEN
    PERFORM estop.hold_task(substr(p_scope_key, 6), true, actor, left(p_reason, 500));
  END IF;
  RETURN QUERY SELECT true, p_action, p_scope_key, p_stop_id;
END $$;

-- An alert that is genuine and names nothing we can stop: somebody hears of it, or nobody would know that nothing happened. Of a flood
-- the first five; that a stop is late or given up is counted by itself, so that no noise hides it.
CREATE FUNCTION estop.refuse_trigger(p_trigger_id text, p_alert_id text, p_why text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT estop.add_notice('trigger.refused', left(p_trigger_id, 100), left(p_alert_id, 300), '{}',
    jsonb_build_object('trigger', left(p_trigger_id, 100), 'why', left(p_why, 300)),
    CASE WHEN (SELECT count(*) FROM estop.notices n WHERE n.event = 'trigger.refused' AND n.subject = left(p_trigger_id, 100) AND n.quiet IS NULL
      AND substring(n.nth from '/(late|given-up)(?:/[0-9]+)?$') IS NOT DISTINCT FROM substring(p_alert_id from '/(late|given-up)(?:/[0-9]+)?$')
      AND n.noted_at > clock_timestamp() - interval '1 minute') >= 5 THEN 'flood' END) THEN RETURN false; END IF;
  INSERT INTO estop.audit (kind, actor, subject, method, detail)
    VALUES ('trigger.refused', 'trigger:' || left(p_trigger_id, 100), left(p_alert_id, 300), 'trigger', jsonb_build_object('why', left(p_why, 300)));
  RETURN true;
END $$;

-- From here on the stop itself is what counts; so only once it is in the ledger.
CREATE FUNCTION estop.note_firing_latched(p_stop_id text, p_latched_as text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE estop.trigger_firings f SET latched_at = clock_timestamp(), latched_as = nullif(p_latched_as, p_stop_id)
    WHERE f.stop_id = p_stop_id AND f.latched_at IS NULL
      AND EXISTS (SELECT 1 FROM estop.stops s WHERE s.stop_id = p_latched_as AND s.scope_key = f.scope_key);
  RETURN FOUND;
END $$;

-- What comes after a failure, this one counted in: again, soon where it may be otherwise in a moment; what a stop hangs on is not given up
-- for that in less than a day. What the store refuses for good (p_final) is given up after five times. People hear of both, and of what takes long.
CREATE FUNCTION estop.after_failure(p_failures integer, p_since timestamptz, p_final boolean, OUT wait interval, OUT is_given_up boolean, OUT is_late boolean)
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  SELECT make_interval(secs => CASE WHEN p_final THEN least(2 ^ least(p_failures - 1, 10), 30) ELSE least(0.25 * 2 ^ least(p_failures - 1, 10), 2) END),
    CASE WHEN p_final THEN p_failures >= 5 ELSE p_failures >= 100 AND p_since < clock_timestamp() - interval '1 day' END,
    p_failures = 6
$$;

CREATE FUNCTION estop.note_firing_failed(p_stop_id text, p_failure text, p_final boolean) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  held estop.trigger_firings%ROWTYPE;
  after record;
  word text;
BEGIN
  SELECT * INTO held FROM estop.trigger_firings f
    WHERE f.stop_id = p_stop_id AND f.latched_at IS NULL AND f.failed_at IS NULL FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  after := estop.after_failure(held.attempts + 1, held.fired_at, p_final);
  UPDATE estop.trigger_firings f SET attempts = f.attempts + 1, failure = left(p_failure, 100), next_at = clock_timestamp() + after.wait,
      failed_at = CASE WHEN after.is_given_up THEN clock_timestamp() END
    WHERE f.stop_id = p_stop_id;
  IF after.is_given_up THEN
    word := left(held.alert_id, 270) || '/given-up';
    IF EXISTS (SELECT 1 FROM estop.notices n WHERE n.event = 'trigger.refused' AND n.subject = left(held.trigger_id, 100) AND n.nth = word) THEN
      word := word || '/' || (extract(epoch FROM held.fired_at) * 1000)::bigint;
    END IF;
    PERFORM estop.refuse_trigger(held.trigger_id, word, 'its stop of ' || held.scope_key || ' could not be latched (' || p_failure || ')');
  ELSIF after.is_late THEN
    PERFORM estop.refuse_trigger(held.trigger_id, left(held.alert_id, 280) || '/late', 'its stop of ' || held.scope_key || ' is not latched yet (' || p_failure || ')');
  END IF;
  RETURN after.is_given_up;
END $$;

CREATE FUNCTION estop.note_judged(p_notice_id text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE estop.notices SET judged_at = clock_timestamp() WHERE notice_id = p_notice_id AND judged_at IS NULL
$$;

-- An event of which one trigger could not be made what it asks for. As with a firing.
CREATE FUNCTION estop.note_judge_failed(p_notice_id text, p_trigger_id text, p_failure text, p_final boolean) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  held estop.notices%ROWTYPE;
  after record;
BEGIN
  SELECT * INTO held FROM estop.notices n WHERE n.notice_id = p_notice_id AND n.judged_at IS NULL FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  after := estop.after_failure(held.judge_attempts + 1, held.noted_at, p_final);
  UPDATE estop.notices n SET judge_attempts = n.judge_attempts + 1, judge_failure = left(p_failure, 100), judge_at = clock_timestamp() + after.wait,
      judged_at = CASE WHEN after.is_given_up THEN clock_timestamp() END
    WHERE n.notice_id = p_notice_id;
  IF after.is_given_up THEN
    PERFORM estop.refuse_trigger(p_trigger_id, p_notice_id || '/given-up', held.event || ' of ' || held.subject || ' could not be answered (' || p_failure || ')');
  ELSIF after.is_late THEN
    PERFORM estop.refuse_trigger(p_trigger_id, p_notice_id || '/late', held.event || ' of ' || held.subject || ' is not answered yet (' || p_failure || ')');
  END IF;
  RETURN after.is_given_up;
END $$;

-- What was agreed beforehand about this stop, as it was when somebody first saw the stop. No row: every phase runs by itself.
CREATE TABLE estop.stop_playbooks (
  stop_id     text PRIMARY KEY,
  playbook_id text NOT NULL,
  waits       text[] NOT NULL,
  notify      text[] NOT NULL,
  bound_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE estop.phase_releases (
  stop_id     text NOT NULL,
  phase       text NOT NULL,
  released_by text NOT NULL,
  reason      text NOT NULL,
  released_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (stop_id, phase)
);

-- Once, at first sight; a configuration that changes later changes nothing about a stop that runs.
CREATE FUNCTION estop.bind_playbook(p_stop_id text, p_playbook_id text, p_waits text[], p_notify text[]) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT p_waits <@ '{disable-integration,purge-queue,update-policy-point}'::text[] THEN
    RAISE EXCEPTION 'what cuts access waits for nobody' USING ERRCODE = 'ES002';
  END IF;
  INSERT INTO estop.stop_playbooks (stop_id, playbook_id, waits, notify)
    SELECT s.stop_id, p_playbook_id, p_waits, p_notify FROM estop.stops s WHERE s.stop_id = p_stop_id ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO estop.audit (kind, actor, subject, after) VALUES ('playbook.bound', 'relay', p_stop_id,
    jsonb_build_object('playbook', p_playbook_id, 'waits', p_waits, 'notify', p_notify));
  RETURN true;
END $$;

-- A person lets one phase go on. `not-waiting`: no playbook makes it wait, so there is nothing to let go.
CREATE FUNCTION estop.release_phase(p_stop_id text, p_phase text, p_actor text, p_reason text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF coalesce(p_actor, '') = '' OR coalesce(p_reason, '') = '' THEN
    RAISE EXCEPTION 'a phase is let go by a person, for a reason' USING ERRCODE = 'ES002';
  END IF;
  IF NOT EXISTS (SELECT 1 FROM estop.stops s WHERE s.stop_id = p_stop_id) THEN RETURN 'unknown'; END IF;
  IF NOT EXISTS (SELECT 1 FROM estop.stop_playbooks b WHERE b.stop_id = p_stop_id AND p_phase = ANY (b.waits)) THEN RETURN 'not-waiting'; END IF;
  INSERT INTO estop.phase_releases (stop_id, phase, released_by, reason) VALUES (p_stop_id, p_phase, left(p_actor, 200), left(p_reason, 2000))
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN 'already'; END IF;
  INSERT INTO estop.audit (kind, actor, subject, detail, reason, before, after) VALUES ('playbook.released', left(p_actor, 200), p_stop_id,
    jsonb_build_object('phase', p_phase), left(p_reason, 2000), '{"waits": true}', '{"waits": false}');
  RETURN 'released';
END $$;

-- By when it was sent last, and never sooner than two days after: a signed alert is taken for five minutes, and one that goes on firing is
-- repeated within hours. So nothing that is sent again finds its firing gone.
CREATE FUNCTION estop.prune_firings(p_older_ms bigint, p_limit integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  pruned integer;
BEGIN
  IF p_older_ms IS NULL OR p_older_ms < 2 * 86400000::bigint OR p_limit IS NULL THEN
    RAISE EXCEPTION 'firings are kept for at least two days' USING ERRCODE = 'ES002';
  END IF;
  DELETE FROM estop.trigger_firings d WHERE (d.trigger_id, d.alert_id) IN (SELECT f.trigger_id, f.alert_id FROM estop.trigger_firings f
    WHERE f.seen_at < clock_timestamp() - make_interval(secs => p_older_ms / 1000.0) AND (f.action = 'hold' OR f.latched_at IS NOT NULL OR f.failed_at IS NOT NULL)
    ORDER BY f.seen_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS pruned = ROW_COUNT;
  RETURN pruned;
END $$;

GRANT EXECUTE ON FUNCTION estop.fire_trigger(text, text, text, text, smallint, integer, text, text), estop.refuse_trigger(text, text, text)
  TO estop_control, estop_revoker;
GRANT EXECUTE ON FUNCTION estop.release_phase(text, text, text, text) TO estop_control;
GRANT EXECUTE ON FUNCTION estop.note_firing_latched(text, text), estop.note_firing_failed(text, text, boolean), estop.note_judged(text),
  estop.note_judge_failed(text, text, text, boolean), estop.bind_playbook(text, text, text[], text[]), estop.prune_firings(bigint, integer)
  TO estop_revoker;
GRANT SELECT ON estop.trigger_firings, estop.stop_playbooks, estop.phase_releases TO estop_control, estop_revoker;
