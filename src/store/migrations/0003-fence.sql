-- A gateway's lease and view, and what makes a stop `fenced`. Reviewed against test/model (a2_fence).

-- Registration commits BEFORE the first renewal can read stops: a reporter that does not see the row yet will be seen by it.
CREATE FUNCTION estop.register_gateway(p_gateway_id text, p_address text) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO estop.gateways (gateway_id, address) VALUES (p_gateway_id, p_address);
  RETURN (SELECT store_id FROM estop.installation);
END $$;

-- Renewal and re-read of the stops are one query. Order inside: mark, lease row, then the stops in ONE later statement.
-- `granted` is false when the latch was not exercised within one lease, or the gateway was retired: then nothing may be admitted.
-- Locks: the gateway's own row. rule: lease-needs-beat, renew-is-one-query, retain-until-token-dead
CREATE FUNCTION estop.renew_lease(p_gateway_id text, p_lease_ms integer, p_retain_ms integer, p_after_gap boolean)
RETURNS TABLE (granted boolean, refusal text, epoch bigint, store_id uuid, db_now timestamptz, drained_at timestamptz, stops jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  newest_beat timestamptz;
  updated integer;
BEGIN
  SELECT max(m.beat_at) INTO newest_beat FROM estop.latch_marks m;
  IF newest_beat IS NULL OR newest_beat < clock_timestamp() - make_interval(secs => p_lease_ms / 1000.0) THEN
    RETURN QUERY SELECT false, 'no-beat'::text, NULL::bigint, NULL::uuid, clock_timestamp(), NULL::timestamptz, NULL::jsonb;
    RETURN;
  END IF;
  UPDATE estop.gateways g
    SET lease_until = clock_timestamp() + make_interval(secs => p_lease_ms / 1000.0),
        drain_wanted_at = CASE WHEN p_after_gap THEN clock_timestamp() ELSE g.drain_wanted_at END
    WHERE g.gateway_id = p_gateway_id AND g.retired_at IS NULL;
  GET DIAGNOSTICS updated = ROW_COUNT;
  IF updated = 0 THEN
    RETURN QUERY SELECT false, 'retired'::text, NULL::bigint, NULL::uuid, clock_timestamp(), NULL::timestamptz, NULL::jsonb;
    RETURN;
  END IF;
  RETURN QUERY SELECT true, NULL::text, estop.current_epoch(), (SELECT i.store_id FROM estop.installation i), clock_timestamp(),
    (SELECT d.begun_at FROM estop.intake_drains d),
    coalesce((SELECT jsonb_agg(jsonb_build_object(
        'stopId', s.stop_id, 'scopeKey', s.scope_key, 'epoch', s.epoch, 'inForce', s.reset_at IS NULL,
        'agents', CASE WHEN s.scope_key LIKE 'label:%' THEN (
          SELECT coalesce(jsonb_agg(l.agent_id), '[]') FROM estop.agent_labels l
          WHERE l.label_key = s.scope_key AND (l.removed_epoch IS NULL OR l.removed_epoch >= s.epoch)) ELSE '[]'::jsonb END)
        ORDER BY s.epoch)
      FROM estop.stops s
      WHERE s.reset_at IS NULL OR s.reset_at > clock_timestamp() - make_interval(secs => p_retain_ms / 1000.0)), '[]'::jsonb);
END $$;

-- The gateway holds a view of p_epoch and no call admitted under an older view is open. Never goes back.
CREATE FUNCTION estop.confirm_fence(p_gateway_id text, p_epoch bigint) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE estop.gateways SET confirmed_epoch = greatest(confirmed_epoch, p_epoch), view_epoch = greatest(view_epoch, p_epoch)
  WHERE gateway_id = p_gateway_id AND retired_at IS NULL
$$;

-- A gateway that closes cleanly, or whose lease ended long ago, can never renew under this id again (the row lock orders it
-- against a renewal in flight), so later stops need not wait for it.
CREATE FUNCTION estop.retire_gateways(p_gateway_id text, p_lapsed_ms integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  retired integer;
BEGIN
  UPDATE estop.gateways g SET retired_at = clock_timestamp()
  WHERE g.retired_at IS NULL AND (g.gateway_id = p_gateway_id
    OR (p_gateway_id IS NULL AND g.lease_until < clock_timestamp() - make_interval(secs => p_lapsed_ms / 1000.0)));
  GET DIAGNOSTICS retired = ROW_COUNT;
  RETURN retired;
END $$;

-- First sight of a committed stop by the reporter: no earlier than its commit, so leases are counted from here.
-- rule: expired-not-before-commit-plus-lease
CREATE FUNCTION estop.note_stop_seen(p_stop_id text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO estop.stop_progress (stop_id) SELECT s.stop_id FROM estop.stops s WHERE s.stop_id = p_stop_id
  ON CONFLICT (stop_id) DO NOTHING
$$;

-- True once every gateway that is not retired has confirmed this epoch or its lease has run out, the latter no sooner than
-- first sight plus one lease. Then, once, it closes covered pending approvals and counts what may have completed.
CREATE FUNCTION estop.report_fence(p_stop_id text, p_lease_ms integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  s estop.stops%ROWTYPE;
  p estop.stop_progress%ROWTYPE;
  waiting integer;
BEGIN
  SELECT * INTO s FROM estop.stops WHERE stop_id = p_stop_id;
  SELECT * INTO p FROM estop.stop_progress WHERE stop_id = p_stop_id;
  IF s.stop_id IS NULL OR p.stop_id IS NULL THEN RETURN false; END IF;
  IF p.fenced_at IS NOT NULL THEN RETURN true; END IF;
  INSERT INTO estop.stop_gateways (stop_id, gateway_id, outcome)
    SELECT p_stop_id, g.gateway_id, CASE WHEN g.confirmed_epoch >= s.epoch THEN 'confirmed' ELSE 'expired' END
    FROM estop.gateways g
    WHERE (g.retired_at IS NULL OR g.retired_at > s.latched_at) AND (g.confirmed_epoch >= s.epoch OR (
      g.lease_until < clock_timestamp() AND clock_timestamp() >= p.seen_at + make_interval(secs => p_lease_ms / 1000.0)))
    ON CONFLICT DO NOTHING;
  SELECT count(*) INTO waiting FROM estop.gateways g
    WHERE g.retired_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM estop.stop_gateways r WHERE r.stop_id = p_stop_id AND r.gateway_id = g.gateway_id);
  IF waiting > 0 THEN RETURN false; END IF;
  UPDATE estop.approvals a SET state = 'closed'
    WHERE a.state IN ('pending', 'approved') AND estop.dead_by(a.keys, a.agents, a.epoch) IS NOT NULL;
  UPDATE estop.calls c SET settled_at = clock_timestamp(), outcome = 'possibly-completed'
    FROM estop.stop_gateways r
    WHERE r.stop_id = p_stop_id AND r.outcome = 'expired' AND c.gateway_id = r.gateway_id AND c.settled_at IS NULL
      AND c.keys @> ARRAY[s.scope_key];
  UPDATE estop.stop_progress g SET fenced_at = clock_timestamp(),
    possibly_completed = (SELECT count(*) FROM estop.calls c WHERE c.keys @> ARRAY[s.scope_key]
      AND c.outcome = 'possibly-completed' AND c.epoch < s.epoch AND c.settled_at >= s.latched_at)
    WHERE g.stop_id = p_stop_id AND g.fenced_at IS NULL;
  RETURN true;
END $$;

CREATE FUNCTION estop.record_drain(p_begun_at timestamptz) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO estop.intake_drains AS d (begun_at) VALUES (p_begun_at)
  ON CONFLICT (only_row) DO UPDATE SET begun_at = greatest(d.begun_at, excluded.begun_at)
$$;
