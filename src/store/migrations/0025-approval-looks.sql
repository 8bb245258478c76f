-- When a person was first shown a call that waits for them, by the store's clock: what is riskiest is not approved in the same moment.
-- Approvals are not referred to: the lock of a reference would stand in the way of ADMIT.
CREATE TABLE estop.approval_looks (
  approval_id text        NOT NULL,
  person      text        NOT NULL,
  shown_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (approval_id, person)
);
CREATE INDEX approval_looks_by_age ON estop.approval_looks (shown_at);

-- The first look counts, however often they look again. What is older than any approval lives is swept on the way.
CREATE FUNCTION estop.note_approval_look(p_approval_id text, p_person text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM estop.approval_looks d WHERE (d.approval_id, d.person) IN (SELECT l.approval_id, l.person FROM estop.approval_looks l
    WHERE l.shown_at < clock_timestamp() - interval '30 days' ORDER BY l.shown_at LIMIT 100 FOR UPDATE SKIP LOCKED);
  INSERT INTO estop.approval_looks (approval_id, person)
    SELECT a.approval_id, left(lower(p_person), 200) FROM estop.approvals a WHERE a.approval_id = p_approval_id AND a.state = 'pending'
    ON CONFLICT DO NOTHING;
END $$;

-- For how long, in milliseconds; null for what this person was never shown.
CREATE FUNCTION estop.approval_looked_at_ms(p_approval_id text, p_person text) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT (extract(epoch FROM clock_timestamp() - l.shown_at) * 1000)::bigint FROM estop.approval_looks l
    WHERE l.approval_id = p_approval_id AND l.person = left(lower(p_person), 200)
$$;

GRANT EXECUTE ON FUNCTION estop.note_approval_look(text, text), estop.approval_looked_at_ms(text, text) TO estop_control;
