-- Whether whoever said yes could still say it. What a yes rests on (`first_ground`, `decided_ground` of an approval) is written down with
-- it, and looked at again where it is redeemed: {person, elevation?}, {apiToken} and {listed, named?}, all of which must hold. A token of
-- tokens.json and a person behind a button in a chat are known to control alone, which says once in a second who they are. `named`: by
-- this name an admin may shut out somebody behind a button, also while their press is under way.
CREATE TABLE estop.approver_lists (
  control_id text PRIMARY KEY,
  listed     text[] NOT NULL,
  said_at    timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Each process of control says its own: who stands in one and not in another may not. A list that nobody has said for ten seconds is
-- none, and where there is none nobody is listed: what rests on it is asked for anew. Nor is one of the future, which was said before
-- the clock went back; it is dropped, or it would be believed when the clock gets there. null: this process ends.
CREATE FUNCTION estop.say_approvers(p_control_id text, p_listed text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  before text[];
BEGIN
  DELETE FROM estop.approver_lists l WHERE l.said_at NOT BETWEEN clock_timestamp() - interval '1 minute' AND clock_timestamp() OR (p_listed IS NULL AND l.control_id = p_control_id);
  IF p_listed IS NULL THEN RETURN; END IF;
  SELECT l.listed INTO before FROM estop.approver_lists l WHERE l.control_id = p_control_id;
  INSERT INTO estop.approver_lists AS l (control_id, listed, said_at) VALUES (left(p_control_id, 100), p_listed, clock_timestamp())
    ON CONFLICT (control_id) DO UPDATE SET listed = excluded.listed, said_at = excluded.said_at;
  IF NOT p_listed @> before THEN PERFORM estop.withdraw_lost_approvals('configuration'); END IF;
END $$;

CREATE FUNCTION estop.is_listed_approver(p_key text) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(bool_and(p_key = ANY (l.listed)), false) FROM estop.approver_lists l
    WHERE l.said_at BETWEEN clock_timestamp() - interval '10 seconds' AND clock_timestamp()
$$;

-- Over that agent as it is labelled now.
CREATE FUNCTION estop.may_approve_of(p_mandates jsonb, p_agent_id text) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT 1 FROM jsonb_array_elements(p_mandates) m(m) WHERE estop.may_approve(jsonb_build_array(m.m))
    AND NOT EXISTS (SELECT 1 FROM jsonb_each_text(coalesce(m.m -> 'labels', '{}')) w WHERE NOT EXISTS (SELECT 1 FROM estop.agent_labels l
      WHERE l.agent_id = p_agent_id AND l.label_key = 'label:' || w.key || '=' || w.value AND l.tombstoned_at IS NULL)))
$$;

-- VOLATILE, so that what was taken away while ADMIT waited for a lock counts. Without a ground there is nothing that could be taken away.
CREATE FUNCTION estop.still_approves(p_ground jsonb, p_agent_id text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF p_ground ? 'listed' AND NOT estop.is_listed_approver(p_ground ->> 'listed') THEN RETURN false; END IF;
  IF (SELECT bool_and(p.disabled_at IS NOT NULL) FROM estop.people p WHERE p.name = p_ground ->> 'named') THEN RETURN false; END IF;
  IF p_ground ? 'apiToken' AND NOT EXISTS (SELECT 1 FROM estop.api_tokens t WHERE t.token_id = p_ground ->> 'apiToken' AND t.revoked_at IS NULL
      AND t.expires_at > clock_timestamp() AND t.elapsed_at IS NULL AND estop.may_approve_of(estop.token_mandates(t.token_id), p_agent_id)) THEN RETURN false; END IF;
  RETURN NOT coalesce(p_ground ? 'person', false) OR EXISTS (SELECT 1 FROM estop.people p WHERE p.person_id = p_ground ->> 'person' AND p.disabled_at IS NULL
    AND (estop.may_approve_of(p.mandates, p_agent_id) OR EXISTS (SELECT 1 FROM estop.elevations e WHERE e.elevation_id = p_ground ->> 'elevation'
      AND e.person_id = p.person_id AND e.role IN ('approver', 'admin') AND e.ended_at IS NULL AND e.ends_at > clock_timestamp()
      AND e.elapsed_at IS NULL AND e.granted_at <= clock_timestamp())));
END $$;

-- As ADMIT would find it, told at once to whoever looks at the list: the whole is closed, of two the half is said by another.
CREATE FUNCTION estop.withdraw_lost_approvals(p_actor text, p_task_id text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  WITH lost AS (
    UPDATE estop.approvals a SET state = CASE a.state WHEN 'approved' THEN 'closed' ELSE a.state END,
        first_by = CASE a.state WHEN 'approved' THEN a.first_by END, first_at = CASE a.state WHEN 'approved' THEN a.first_at END,
        first_ground = CASE a.state WHEN 'approved' THEN a.first_ground END
      FROM (SELECT o.approval_id, o.state, coalesce(CASE WHEN estop.still_approves(o.first_ground, o.agent_id) THEN o.decided_by ELSE o.first_by END, '') AS by
        FROM estop.approvals o WHERE (o.state = 'approved' OR (o.state = 'pending' AND o.first_by IS NOT NULL)) AND (p_task_id IS NULL OR o.task_id = p_task_id)
          AND NOT (estop.still_approves(o.first_ground, o.agent_id) AND estop.still_approves(o.decided_ground, o.agent_id))) was
      WHERE a.approval_id = was.approval_id AND a.state = was.state RETURNING a.approval_id, was.state AS before, was.by, a.state AS after)
  INSERT INTO estop.audit (kind, actor, subject, before, after)
    SELECT 'approval.withdrawn', left(p_actor, 200), l.approval_id, jsonb_build_object('state', l.before, 'by', l.by), jsonb_build_object('state', l.after) FROM lost l;
END $$;

GRANT EXECUTE ON FUNCTION estop.say_approvers(text, text[]) TO estop_control;
