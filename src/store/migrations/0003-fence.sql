-- A gateway's lease and view, and what makes a stop `fenced`. Reviewed against test/model (a2_fence).

-- When somebody first saw this lease lapsed; null again as soon as it is renewed.
ALTER TABLE estop.gateways ADD COLUMN lapse_seen_at timestamptz;

-- Registration commits BEFORE the first renewal can read stops: a reporter that does not see the row yet will be seen by it.
CREATE FUNCTION estop.register_gateway(p_gateway_id text, p_address text) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO estop.gateways (gateway_id, address) VALUES (p_gateway_id, p_address);
  RETURN (SELECT store_id FROM estop.installation);
END $$;

-- What took an epoch: the id of a stop, or of the stop that was reset. Null: nothing has.
CREATE FUNCTION estop.order_at(p_epoch bigint) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT s.stop_id FROM estop.stops s WHERE s.epoch = p_epoch
    UNION ALL SELECT 'reset of ' || s.stop_id FROM estop.stops s WHERE s.reset_epoch = p_epoch LIMIT 1);
END $$;

-- Renewal and re-read of the stops are one query. Order inside: mark, lease row, then the stops in ONE later statement.
-- `granted` is false when the latch was not exercised within one lease, or the gateway was retired: then nothing may be admitted.
-- mark_age_ms says how old the mark was when this renewal began here: a gateway ends its lease one lease after the MARK, so that
-- it outlives a dead stop process by no more than that. The row says more than was granted, never less.
-- seen_order is what took the epoch that the gateway has seen: a store that went back may have given it to another order since, and what
-- took it before is lost.
-- confirmed_epoch is what is on record of this gateway: a store that lost its confirmation with an old primary is told again.
-- Locks: the gateway's own row. rule: lease-needs-beat, renew-is-one-query, refuse-lower-epoch, view-holds-reset-stops, retain-until-token-dead
CREATE FUNCTION estop.renew_lease(p_gateway_id text, p_lease_ms integer, p_retain_ms integer, p_after_gap boolean, p_seen_epoch bigint)
RETURNS TABLE (granted boolean, refusal text, epoch bigint, store_id uuid, db_now timestamptz, drained_at timestamptz, stops jsonb, mark_age_ms integer, tools_version bigint, policy_activation bigint, secrets_version bigint, newest_order text,
  seen_order text, confirmed_epoch bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  begun timestamptz := clock_timestamp();
  newest_beat timestamptz;
  confirmed bigint;
BEGIN
  -- A mark from the future was left before the clock went back (a failover, a step): it proves nothing about now.
  SELECT max(m.beat_at) INTO newest_beat FROM estop.latch_marks m WHERE m.beat_at <= begun;
  IF newest_beat IS NULL OR newest_beat <= begun - make_interval(secs => p_lease_ms / 1000.0) THEN
    RETURN QUERY SELECT false, 'no-beat'::text, NULL::bigint, NULL::uuid, clock_timestamp(), NULL::timestamptz, NULL::jsonb, NULL::integer, NULL::bigint, NULL::bigint, NULL::bigint, NULL::text, NULL::text, NULL::bigint;
    RETURN;
  END IF;
  UPDATE estop.gateways g
    SET lease_until = clock_timestamp() + make_interval(secs => p_lease_ms / 1000.0), lapse_seen_at = NULL,
        drain_wanted_at = CASE WHEN p_after_gap THEN clock_timestamp() ELSE g.drain_wanted_at END
    WHERE g.gateway_id = p_gateway_id AND g.retired_at IS NULL RETURNING g.confirmed_epoch INTO confirmed;
  IF NOT FOUND THEN
    RETURN QUERY SELECT false, 'retired'::text, NULL::bigint, NULL::uuid, clock_timestamp(), NULL::timestamptz, NULL::jsonb, NULL::integer, NULL::bigint, NULL::bigint, NULL::bigint, NULL::text, NULL::text, NULL::bigint;
    RETURN;
  END IF;
  -- Neither is a reading of the intake that began in the future a reading since this gap.
  IF p_after_gap THEN DELETE FROM estop.intake_drains d WHERE d.begun_at > clock_timestamp(); END IF;
  RETURN QUERY SELECT true, NULL::text, estop.current_epoch(), (SELECT i.store_id FROM estop.installation i), clock_timestamp(),
    (SELECT d.begun_at FROM estop.intake_drains d),
    coalesce((SELECT jsonb_agg(jsonb_build_object(
        'stopId', s.stop_id, 'scopeKey', s.scope_key, 'epoch', s.epoch, 'inForce', s.reset_at IS NULL,
        'agents', CASE WHEN s.scope_key LIKE 'label:%' THEN to_jsonb(estop.labelled_agents(s.scope_key, s.epoch)) ELSE '[]'::jsonb END)
        ORDER BY s.epoch)
      FROM estop.stops s
      WHERE s.reset_at IS NULL OR s.reset_at > clock_timestamp() - make_interval(secs => p_retain_ms / 1000.0)), '[]'::jsonb),
    ceil(extract(epoch FROM begun - newest_beat) * 1000)::integer, (SELECT v.version FROM estop.tool_pin_version v),
    (SELECT coalesce(max(a.activation), 0) FROM estop.policy_activations a), (SELECT v.version FROM estop.secret_version v),
    estop.order_at(estop.current_epoch()), estop.order_at(p_seen_epoch), confirmed;
END $$;

-- The gateway holds a view of p_epoch and no call admitted under an older view is open. Never goes back, and never ahead of what
-- has been latched. p_order is what took the epoch in its view: where another order took it, this store is not the one that the view
-- is of (a primary that lost the first), and the gateway may never have seen the order that is here. rule: confirm-that-epoch
CREATE FUNCTION estop.confirm_fence(p_gateway_id text, p_epoch bigint, p_order text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE estop.gateways g SET confirmed_epoch = greatest(g.confirmed_epoch, p_epoch)
    WHERE g.gateway_id = p_gateway_id AND g.retired_at IS NULL AND p_epoch <= estop.current_epoch()
      AND estop.order_at(p_epoch) IS NOT DISTINCT FROM p_order;
  RETURN FOUND;
END $$;

-- A gateway that closes cleanly, or whose lease ended long ago, can never renew under this id again (the row lock orders it
-- against a renewal in flight), so later stops need not wait for it. What it left unsettled nobody will settle. Long ago is what
-- was seen lapsed and seen again that much later, with no renewal between: to a clock that has stepped forward every lease has
-- lapsed, also those that their gateways still hold. rule: expired-not-before-commit-plus-lease
CREATE FUNCTION estop.retire_gateways(p_gateway_id text, p_lapsed_ms integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  retired text[];
BEGIN
  IF p_gateway_id IS NULL THEN
    UPDATE estop.gateways g SET lapse_seen_at = clock_timestamp()
      WHERE g.retired_at IS NULL AND g.lapse_seen_at IS NULL AND g.lease_until < clock_timestamp();
  END IF;
  WITH gone AS (
    UPDATE estop.gateways g SET retired_at = clock_timestamp()
    WHERE g.retired_at IS NULL AND (g.gateway_id = p_gateway_id OR (p_gateway_id IS NULL AND g.lease_until < clock_timestamp()
      AND g.lapse_seen_at < clock_timestamp() - make_interval(secs => p_lapsed_ms / 1000.0)))
    RETURNING g.gateway_id)
  SELECT coalesce(array_agg(gateway_id), '{}') INTO retired FROM gone;
  UPDATE estop.calls c SET settled_at = clock_timestamp(), outcome = 'possibly-completed'
    WHERE c.gateway_id = ANY (retired) AND c.settled_at IS NULL;
  RETURN cardinality(retired);
END $$;

-- First sight of a committed stop by the reporter: no earlier than its commit, so leases are counted from here.
-- rule: expired-not-before-commit-plus-lease
CREATE FUNCTION estop.note_stop_seen(p_stop_id text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO estop.stop_progress (stop_id) SELECT s.stop_id FROM estop.stops s WHERE s.stop_id = p_stop_id
  ON CONFLICT (stop_id) DO NOTHING
$$;

-- Calls of a stop that may have had their effect: settled so since the latch, or still unsettled on a gateway that expired.
-- rule: possibly-completed
CREATE FUNCTION estop.count_possibly_completed(p_stop_id text) RETURNS integer
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  s estop.stops%ROWTYPE;
  labelled text[];
BEGIN
  SELECT * INTO s FROM estop.stops x WHERE x.stop_id = p_stop_id;
  labelled := estop.labelled_agents(s.scope_key, s.epoch);
  RETURN (SELECT count(*) FROM estop.calls c
    WHERE ((c.outcome = 'possibly-completed' AND c.settled_at >= s.latched_at)
        OR (c.settled_at IS NULL AND c.gateway_id IN (
          SELECT r.gateway_id FROM estop.stop_gateways r WHERE r.stop_id = p_stop_id AND r.outcome = 'expired')))
      AND (s.reset_at IS NULL OR c.epoch < s.epoch)
      AND (c.keys @> ARRAY[s.scope_key] OR EXISTS (
        SELECT 1 FROM estop.tasks t WHERE t.task_id = c.task_id AND t.agents && labelled)));
END $$;

-- True once every gateway that was not retired before the latch has confirmed this epoch or its lease has run out, the latter no
-- sooner than first sight plus one lease (never, if p_lease_ms is null). Then, once, covered pending approvals are closed and what may have completed is counted.
-- Rows that an allow path has locked are skipped: they are dead by the stop itself, and closed by the next pass of
-- close_stale_approvals; a stuck allow path must not hold up `fenced`.
CREATE FUNCTION estop.report_fence(p_stop_id text, p_lease_ms integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  s estop.stops%ROWTYPE;
  p estop.stop_progress%ROWTYPE;
  labelled text[];
BEGIN
  SELECT * INTO s FROM estop.stops WHERE stop_id = p_stop_id;
  SELECT * INTO p FROM estop.stop_progress WHERE stop_id = p_stop_id;
  IF s.stop_id IS NULL OR p.stop_id IS NULL THEN RETURN false; END IF;
  IF p.fenced_at IS NOT NULL THEN RETURN true; END IF;
  -- What ends later than a lease that began now, and what was seen later than now, is from before the clock went back: nobody who died then is waited for so long.
  UPDATE estop.gateways g SET lease_until = clock_timestamp() + make_interval(secs => p_lease_ms / 1000.0)
    WHERE g.lease_until > clock_timestamp() + make_interval(secs => p_lease_ms / 1000.0);
  UPDATE estop.stop_progress g SET seen_at = clock_timestamp() WHERE g.stop_id = p_stop_id AND g.seen_at > clock_timestamp();
  p.seen_at := least(p.seen_at, clock_timestamp());
  INSERT INTO estop.stop_gateways (stop_id, gateway_id, outcome)
    SELECT p_stop_id, g.gateway_id, CASE WHEN g.confirmed_epoch >= s.epoch THEN 'confirmed' ELSE 'expired' END
    FROM estop.gateways g
    WHERE (g.retired_at IS NULL OR g.retired_at > s.latched_at) AND (g.confirmed_epoch >= s.epoch OR (
      g.lease_until < clock_timestamp() AND clock_timestamp() >= p.seen_at + make_interval(secs => p_lease_ms / 1000.0)))
    ON CONFLICT DO NOTHING;
  IF EXISTS (SELECT 1 FROM estop.gateways g
    WHERE (g.retired_at IS NULL OR g.retired_at > s.latched_at)
      AND NOT EXISTS (SELECT 1 FROM estop.stop_gateways r WHERE r.stop_id = p_stop_id AND r.gateway_id = g.gateway_id)) THEN
    RETURN false;
  END IF;
  PERFORM estop.close_stale_approvals();
  labelled := estop.labelled_agents(s.scope_key, s.epoch);
  UPDATE estop.calls c SET settled_at = clock_timestamp(), outcome = 'possibly-completed'
    WHERE c.call_id IN (
      SELECT x.call_id FROM estop.calls x JOIN estop.stop_gateways r ON r.stop_id = p_stop_id AND r.outcome = 'expired' AND r.gateway_id = x.gateway_id
      WHERE x.settled_at IS NULL AND (x.keys @> ARRAY[s.scope_key] OR EXISTS (
        SELECT 1 FROM estop.tasks t WHERE t.task_id = x.task_id AND t.agents && labelled))
      FOR UPDATE OF x SKIP LOCKED);
  UPDATE estop.stop_progress g SET fenced_at = clock_timestamp(), possibly_completed = estop.count_possibly_completed(p_stop_id)
    WHERE g.stop_id = p_stop_id AND g.fenced_at IS NULL;
  RETURN true;
END $$;

-- Bookkeeping: what is expired, dead by a stop, or of a closed task is no longer open. Nothing relies on it: ADMIT asks for itself.
CREATE FUNCTION estop.close_stale_approvals() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  closed integer;
BEGIN
  UPDATE estop.approvals a SET state = CASE WHEN x.expired THEN 'expired' ELSE 'closed' END
    FROM (SELECT y.approval_id, y.expires_at <= clock_timestamp() AS expired FROM estop.approvals y
      WHERE y.state IN ('pending', 'approved') AND (y.expires_at <= clock_timestamp()
        OR estop.dead_by(y.keys, y.agents, y.epoch) IS NOT NULL
        OR EXISTS (SELECT 1 FROM estop.tasks t WHERE t.task_id = y.task_id AND t.state = 'closed'))
      FOR UPDATE SKIP LOCKED) x
    WHERE a.approval_id = x.approval_id;
  GET DIAGNOSTICS closed = ROW_COUNT;
  RETURN closed;
END $$;

-- p_begun_at is this database's time at which the reading of the intake BEGAN. One that began in the future began before the clock
-- went back: when that was cannot be said, so it is not recorded, and what is recorded of the future gives way. rule: drain-all-runs
CREATE FUNCTION estop.record_drain(p_begun_at timestamptz) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO estop.intake_drains AS d (begun_at) SELECT p_begun_at WHERE p_begun_at <= clock_timestamp()
  ON CONFLICT (only_row) DO UPDATE SET begun_at = excluded.begun_at WHERE d.begun_at < excluded.begun_at OR d.begun_at > clock_timestamp()
$$;
