-- Attempts of nobody who is known here, or at a stop of nobody who may: an alert or a press of a button that nobody signed, a press by
-- a stranger, a stop ordered by a viewer. Whoever sends them sends as many as they like, so they are counted: one row for one source at one door in one minute, however many there were. Control
-- names few sources a minute and puts all others into one, so that a flood from everywhere fills nothing either.
CREATE TABLE estop.refused_attempts (
  door     text NOT NULL, -- which way in, as a method of the audit
  source   text NOT NULL, -- who it was as far as that is known, else the address it came from
  subject  text NOT NULL, -- what they tried
  because  text NOT NULL,
  minute   timestamptz NOT NULL,
  first_at timestamptz NOT NULL,
  last_at  timestamptz NOT NULL,
  times    bigint NOT NULL CHECK (times > 0),
  PRIMARY KEY (minute, door, source, subject, because)
);
CREATE INDEX refused_attempts_by_time ON estop.refused_attempts (first_at);

-- The minute is the store's, so that several processes count into one row. Locks: its rows, in their order.
CREATE FUNCTION estop.note_refused_attempts(p_seen jsonb) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO estop.refused_attempts AS r (door, source, subject, because, minute, first_at, last_at, times)
    SELECT left(x.door, 40), left(x.source, 200), left(x.subject, 400), left(x.because, 100), date_trunc('minute', n.at), n.at, n.at, sum(x.times)
    FROM jsonb_to_recordset(p_seen) AS x(door text, source text, subject text, because text, times bigint), (SELECT clock_timestamp() AS at) n
    GROUP BY 1, 2, 3, 4, n.at ORDER BY 1, 2, 3, 4
    ON CONFLICT (minute, door, source, subject, because) DO UPDATE SET times = r.times + excluded.times, last_at = excluded.last_at
$$;

-- What the trail is read by: newest first, of everybody or of one.
CREATE INDEX audit_by_actor ON estop.audit (actor, at);
CREATE INDEX approvals_by_decision ON estop.approvals (decided_at) WHERE decided_at IS NOT NULL;
CREATE INDEX tasks_by_requester ON estop.tasks (requested_by, registered_at) WHERE parent_id IS NULL AND kind <> 'drill';

GRANT EXECUTE ON FUNCTION estop.note_refused_attempts(jsonb) TO estop_control, estop_stop;
GRANT SELECT ON estop.refused_attempts TO estop_control;
