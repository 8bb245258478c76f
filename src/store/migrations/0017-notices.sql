-- What people are told. A notice is made from what the ledger says by the relay, never by a stop: nothing here is written by the
-- latch, and no lock of it is ever waited for by one. How a notice is told is Temporal's business; what was told is here.

-- `nth` tells apart what may happen to one subject again. `quiet`: why it is not told on its own. `settled`: nothing is left to do.
-- `escalates`: people are called one after the other until somebody says to have seen it. Such a one is looked for at every look at what runs.
CREATE TABLE estop.notices (
  notice_id  text PRIMARY KEY,
  seq        bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  event      text NOT NULL,
  subject    text NOT NULL,
  nth        text NOT NULL DEFAULT '',
  agents     text[] NOT NULL DEFAULT '{}',
  facts      jsonb NOT NULL DEFAULT '{}',
  noted_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  quiet      text,
  taken_at   timestamptz,
  takes      integer NOT NULL DEFAULT 0,
  escalates  boolean NOT NULL DEFAULT false,
  settled_at timestamptz,
  acked_at   timestamptz,
  acked_by   text,
  UNIQUE (event, subject, nth)
);
CREATE INDEX notices_to_take ON estop.notices (seq) WHERE settled_at IS NULL AND quiet IS NULL;
CREATE INDEX notices_by_age ON estop.notices (noted_at);
CREATE INDEX notices_unseen ON estop.notices (seq) WHERE escalates AND acked_at IS NULL;
CREATE INDEX notices_by_subject ON estop.notices (subject, seq);

-- One row for each endpoint that is to hear of a notice. `rung`: whom it reaches where that is a step of an escalation.
CREATE TABLE estop.notice_deliveries (
  notice_id    text NOT NULL REFERENCES estop.notices ON DELETE CASCADE,
  endpoint     text NOT NULL,
  rung         text NOT NULL DEFAULT '',
  after_ms     bigint NOT NULL DEFAULT 0,
  state        text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'delivered', 'failed', 'skipped')),
  attempts     integer NOT NULL DEFAULT 0,
  answer       text,
  begun_at     timestamptz,
  ended_at     timestamptz,
  -- Since when it waits by a pause of ours. Null where it is under way, where it was woken, and where the receiver asked for the pause.
  rests_since  timestamptz,
  PRIMARY KEY (notice_id, endpoint, rung)
);
CREATE INDEX notice_deliveries_failed ON estop.notice_deliveries (ended_at) WHERE state = 'failed';
CREATE INDEX notice_deliveries_resting ON estop.notice_deliveries (endpoint, rests_since) WHERE rests_since IS NOT NULL;

-- When each endpoint took something last: what rested there before need not rest any longer.
CREATE TABLE estop.notice_endpoints (
  endpoint    text PRIMARY KEY,
  answered_at timestamptz NOT NULL
);

-- The one message about one subject in one chat channel. Whoever changes it holds it for that long, so that two changes never cross.
CREATE TABLE estop.notice_cards (
  endpoint      text NOT NULL,
  subject       text NOT NULL,
  message       text,
  claimed_by    text,
  claimed_until timestamptz,
  changed_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (endpoint, subject)
);

-- How much of each stop was told. Stops come in the order of their epochs, so the newest one here is where to go on.
CREATE TABLE estop.noticed_stops (
  stop_id text PRIMARY KEY,
  epoch   bigint NOT NULL UNIQUE,
  told    text[] NOT NULL DEFAULT '{}',
  over    boolean NOT NULL DEFAULT false
);
CREATE INDEX noticed_stops_open ON estop.noticed_stops (epoch) WHERE NOT over;

CREATE INDEX obligations_needing_people ON estop.obligations (cause_id, connector) WHERE final_at IS NULL AND needs_human IS NOT NULL;
CREATE INDEX audit_notable ON estop.audit (at) WHERE kind IN ('policy.activated', 'policy.proposed', 'tool.changed', 'elevation.asked', 'elevation.begun', 'drill.failed');

-- The same notice has the same id however often it is found, and no two installations have one in common.
CREATE FUNCTION estop.notice_id(p_event text, p_subject text, p_nth text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT 'ntc_' || i.environment || '_' || left(encode(sha256(convert_to(concat_ws(E'\n', i.store_id, p_event, p_subject, p_nth), 'UTF8')), 'hex'), 26)
  FROM estop.installation i
$$;

CREATE FUNCTION estop.add_notice(p_event text, p_subject text, p_nth text, p_agents text[], p_facts jsonb, p_quiet text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO estop.notices (notice_id, event, subject, nth, agents, facts, quiet, settled_at)
    VALUES (estop.notice_id(p_event, p_subject, p_nth), p_event, p_subject, p_nth, coalesce(p_agents, '{}'), jsonb_strip_nulls(p_facts), p_quiet,
      CASE WHEN p_quiet IS NULL THEN NULL ELSE clock_timestamp() END)
    ON CONFLICT DO NOTHING;
  RETURN FOUND;
END $$;

-- By hand, so that somebody sees that it arrives.
CREATE FUNCTION estop.ask_test_notice(p_actor text, p_endpoint text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  made text := clock_timestamp()::text;
BEGIN
  PERFORM estop.add_notice('notify.test', 'test', made, '{}', jsonb_build_object('actor', left(p_actor, 200), 'endpoint', p_endpoint), NULL);
  INSERT INTO estop.audit (kind, actor, subject, after) VALUES ('notify.test', left(p_actor, 200), coalesce(p_endpoint, 'all'),
    jsonb_build_object('noticeId', estop.notice_id('notify.test', 'test', made)));
  RETURN estop.notice_id('notify.test', 'test', made);
END $$;

-- Those whose telling somebody must see to: new ones, and those that were taken a while ago and are not settled. However many of them
-- there are, new ones come first, and the oftener one was looked after the later it is again, up to eight minutes.
CREATE FUNCTION estop.take_notices(p_again_ms bigint, p_limit integer) RETURNS TABLE (notice_id text, event text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY UPDATE estop.notices u SET taken_at = clock_timestamp(), takes = u.takes + 1 FROM (
      SELECT n.notice_id FROM estop.notices n WHERE n.settled_at IS NULL AND n.quiet IS NULL
        AND (n.taken_at IS NULL OR n.taken_at < clock_timestamp() - make_interval(secs => p_again_ms / 1000.0 * 2 ^ least(n.takes - 1, 5)))
      ORDER BY n.takes, n.taken_at NULLS FIRST, n.seq LIMIT p_limit FOR UPDATE SKIP LOCKED) t
    WHERE u.notice_id = t.notice_id RETURNING u.notice_id, u.event;
END $$;

CREATE FUNCTION estop.untake_notice(p_notice_id text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE estop.notices SET taken_at = NULL WHERE notice_id = p_notice_id AND settled_at IS NULL
$$;

-- Who is to hear of it, written once: a configuration that changes meanwhile changes nothing about it. An owner who is told of a drill at
-- once, and nobody after, has nothing to answer.
CREATE FUNCTION estop.plan_deliveries(p_notice_id text, p_planned jsonb) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO estop.notice_deliveries (notice_id, endpoint, rung, after_ms)
    SELECT p_notice_id, x.endpoint, x.rung, x."afterMs" FROM jsonb_to_recordset(p_planned) AS x(endpoint text, rung text, "afterMs" bigint)
    WHERE NOT EXISTS (SELECT 1 FROM estop.notice_deliveries d WHERE d.notice_id = p_notice_id)
    ON CONFLICT DO NOTHING;
  UPDATE estop.notices n SET escalates = true WHERE n.notice_id = p_notice_id AND NOT n.escalates
    AND EXISTS (SELECT 1 FROM estop.notice_deliveries d WHERE d.notice_id = n.notice_id AND d.rung <> ''
      AND NOT (n.event = 'drill.failed' AND d.rung = 'owner' AND d.after_ms = 0))
$$;

-- Null: it has ended, or is not there. An attempt is counted before it is made.
CREATE FUNCTION estop.begin_delivery(p_notice_id text, p_endpoint text, p_rung text) RETURNS integer
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE estop.notice_deliveries SET attempts = attempts + 1, begun_at = clock_timestamp(), rests_since = NULL
    WHERE notice_id = p_notice_id AND endpoint = p_endpoint AND rung = p_rung AND state = 'open' RETURNING attempts
$$;

-- `open`: it is tried again. p_asked: after a pause that the receiver asked for.
CREATE FUNCTION estop.end_delivery(p_notice_id text, p_endpoint text, p_rung text, p_state text, p_answer text, p_asked boolean) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE estop.notice_deliveries SET state = p_state, answer = left(p_answer, 300),
      ended_at = CASE WHEN p_state = 'open' THEN NULL ELSE clock_timestamp() END,
      rests_since = CASE WHEN p_state = 'open' AND NOT p_asked THEN clock_timestamp() END
    WHERE notice_id = p_notice_id AND endpoint = p_endpoint AND rung = p_rung AND state = 'open';
  INSERT INTO estop.notice_endpoints (endpoint, answered_at) SELECT p_endpoint, clock_timestamp() WHERE p_state = 'delivered'
    ON CONFLICT (endpoint) DO UPDATE SET answered_at = excluded.answered_at
$$;

-- What rests at an endpoint that has taken something since, longest first; each once, until it has failed again. What has only just
-- failed rests for so long at least: one that takes every tenth is not asked the other nine over and over.
CREATE FUNCTION estop.take_resting(p_rest_ms bigint, p_limit integer) RETURNS TABLE (notice_id text, endpoint text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY UPDATE estop.notice_deliveries u SET rests_since = NULL FROM (
      SELECT d.notice_id, d.endpoint, d.rung FROM estop.notice_endpoints e JOIN estop.notice_deliveries d ON d.endpoint = e.endpoint
        AND d.rests_since < least(e.answered_at, clock_timestamp() - make_interval(secs => p_rest_ms / 1000.0))
      WHERE d.state = 'open' ORDER BY d.rests_since LIMIT p_limit FOR UPDATE OF d SKIP LOCKED) t
    WHERE u.notice_id = t.notice_id AND u.endpoint = t.endpoint AND u.rung = t.rung RETURNING u.notice_id, u.endpoint;
END $$;

CREATE FUNCTION estop.settle_notice(p_notice_id text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE estop.notices n SET settled_at = clock_timestamp() WHERE n.notice_id = p_notice_id AND n.settled_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM estop.notice_deliveries d WHERE d.notice_id = n.notice_id AND d.state = 'open');
  RETURN FOUND;
END $$;

-- A person has seen it. By its own id, or all that there is about one subject. Acknowledging tells; it decides nothing.
-- p_only: of these alone, for somebody who may not speak for all of them.
CREATE FUNCTION estop.acknowledge_notices(p_what text, p_actor text, p_only text[]) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  known integer;
  acked integer;
BEGIN
  IF coalesce(p_actor, '') = '' THEN RAISE EXCEPTION 'somebody acknowledges' USING ERRCODE = 'ES002'; END IF;
  known := (SELECT count(*) FROM estop.notices n WHERE n.notice_id = p_what OR n.subject = p_what);
  IF known = 0 THEN RETURN NULL; END IF;
  UPDATE estop.notices n SET acked_at = clock_timestamp(), acked_by = left(p_actor, 200)
    WHERE (n.notice_id = p_what OR n.subject = p_what) AND n.acked_at IS NULL AND (p_only IS NULL OR n.notice_id = ANY (p_only));
  GET DIAGNOSTICS acked = ROW_COUNT;
  IF acked > 0 THEN
    INSERT INTO estop.audit (kind, actor, subject, before, after) VALUES ('notice.acknowledged', left(p_actor, 200), left(p_what, 400),
      jsonb_build_object('unseen', acked), jsonb_build_object('unseen', 0, 'seen', acked));
  END IF;
  RETURN acked;
END $$;

-- For so long nobody else changes that message. `message` is what the channel calls it; null before the first.
CREATE FUNCTION estop.claim_card(p_endpoint text, p_subject text, p_claimer text, p_hold_ms bigint)
RETURNS TABLE (granted boolean, message text, was_claimed boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  before estop.notice_cards%ROWTYPE;
BEGIN
  INSERT INTO estop.notice_cards (endpoint, subject) VALUES (p_endpoint, p_subject) ON CONFLICT DO NOTHING;
  SELECT * INTO before FROM estop.notice_cards c WHERE c.endpoint = p_endpoint AND c.subject = p_subject FOR UPDATE;
  IF before.claimed_until > clock_timestamp() AND before.claimed_by <> p_claimer THEN
    RETURN QUERY SELECT false, before.message, true; RETURN;
  END IF;
  UPDATE estop.notice_cards c SET claimed_by = p_claimer, claimed_until = clock_timestamp() + make_interval(secs => p_hold_ms / 1000.0)
    WHERE c.endpoint = p_endpoint AND c.subject = p_subject;
  -- Somebody held it and never said what came of it: there may be a message that nobody knows of.
  RETURN QUERY SELECT true, before.message, before.claimed_by IS NOT NULL;
END $$;

CREATE FUNCTION estop.note_card(p_endpoint text, p_subject text, p_claimer text, p_message text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE estop.notice_cards SET message = coalesce(p_message, message), claimed_by = NULL, claimed_until = NULL, changed_at = clock_timestamp()
    WHERE endpoint = p_endpoint AND subject = p_subject AND claimed_by = p_claimer
$$;

-- One batch of what is settled and long past; never the newest stop, by which the next ones are found.
CREATE FUNCTION estop.prune_notices(p_older_ms bigint, p_limit integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  before timestamptz := clock_timestamp() - make_interval(secs => p_older_ms / 1000.0);
  pruned integer;
BEGIN
  IF p_older_ms IS NULL OR p_older_ms < 2 * 86400000::bigint OR p_limit IS NULL THEN
    RAISE EXCEPTION 'notices are kept for at least two days' USING ERRCODE = 'ES002';
  END IF;
  DELETE FROM estop.notices d WHERE d.notice_id IN (SELECT n.notice_id FROM estop.notices n
    WHERE n.noted_at < before AND n.settled_at IS NOT NULL ORDER BY n.noted_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS pruned = ROW_COUNT;
  DELETE FROM estop.notice_cards c WHERE c.changed_at < before AND c.claimed_by IS NULL;
  DELETE FROM estop.noticed_stops n WHERE n.over AND n.epoch < (SELECT max(x.epoch) FROM estop.noticed_stops x)
    AND EXISTS (SELECT 1 FROM estop.stops s WHERE s.stop_id = n.stop_id AND s.latched_at < before);
  RETURN pruned;
END $$;

GRANT EXECUTE ON FUNCTION estop.ask_test_notice(text, text), estop.acknowledge_notices(text, text, text[]) TO estop_control;
GRANT EXECUTE ON FUNCTION
  estop.take_notices(bigint, integer), estop.untake_notice(text),
  estop.plan_deliveries(text, jsonb), estop.begin_delivery(text, text, text), estop.end_delivery(text, text, text, text, text, boolean), estop.take_resting(bigint, integer),
  estop.settle_notice(text), estop.claim_card(text, text, text, bigint), estop.note_card(text, text, text, text), estop.prune_notices(bigint, integer)
  TO estop_revoker;
GRANT SELECT ON estop.notices, estop.notice_deliveries TO estop_control, estop_revoker;
