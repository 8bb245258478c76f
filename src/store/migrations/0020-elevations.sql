-- What people make of their rights: tokens for their programs, and a role for a while (break-glass). And what the stop process is told
-- of all of it. Secrets are kept as hashes alone.

-- Tokens for programs. `owner`: the person who made it for themselves, with whose mandates it shrinks and ends; null for one that an
-- admin made for a service. `basis`: as above.
CREATE TABLE estop.api_tokens (
  token_id   text PRIMARY KEY,
  token_hash bytea NOT NULL UNIQUE,
  name       text NOT NULL,
  owner      text REFERENCES estop.people,
  basis      bytea,
  person     text NOT NULL,
  mandates   jsonb NOT NULL,
  made_by    text NOT NULL,
  made_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at timestamptz NOT NULL,
  elapsed_at timestamptz, -- seen to be over (0028-elapsed.sql)
  used_at    timestamptz,
  revoked_at timestamptz,
  revoked_by text
);

-- Break-glass: a role for a while. Active from granted_at until the earlier of ends_at and ended_at, or until somebody saw it over;
-- afterwards a review is owed.
CREATE TABLE estop.elevations (
  elevation_id text PRIMARY KEY,
  person_id    text NOT NULL REFERENCES estop.people,
  name         text NOT NULL,
  person       text NOT NULL,
  role         text NOT NULL,
  reason       text NOT NULL,
  life_ms      bigint NOT NULL,
  rule         text NOT NULL CHECK (rule IN ('second-person', 'review')),
  asked_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  granted_at   timestamptz,
  granted_by   text,
  ends_at      timestamptz,
  elapsed_at   timestamptz,
  ended_at     timestamptz,
  ended_by     text,
  reviewed_at  timestamptz,
  reviewed_by  text,
  verdict      text CHECK (verdict IN ('justified', 'not-justified')),
  review_note  text
);
CREATE INDEX elevations_person ON estop.elevations (person_id);

CREATE FUNCTION estop.make_api_token(
  p_token_id text, p_token_hash bytea, p_name text, p_owner text, p_basis bytea, p_person text, p_mandates jsonb, p_actor text,
  p_life_ms bigint
) RETURNS timestamptz
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  ends timestamptz := clock_timestamp() + make_interval(secs => p_life_ms / 1000.0);
BEGIN
  PERFORM estop.commit_durably();
  INSERT INTO estop.api_tokens (token_id, token_hash, name, owner, basis, person, mandates, made_by, expires_at)
    VALUES (p_token_id, p_token_hash, left(p_name, 200), p_owner, p_basis, left(p_person, 200),
      estop.dated_mandates('[]', p_mandates), left(p_actor, 200), ends)
    -- Asked for again under the same key: what was given out before reached nobody, as far as anybody has used it.
    ON CONFLICT (token_id) DO UPDATE SET token_hash = excluded.token_hash, basis = excluded.basis, mandates = excluded.mandates,
        made_at = excluded.made_at, expires_at = excluded.expires_at, elapsed_at = NULL
      WHERE api_tokens.used_at IS NULL AND api_tokens.revoked_at IS NULL AND api_tokens.person = excluded.person AND api_tokens.owner IS NOT DISTINCT FROM excluded.owner;
  IF NOT FOUND THEN RAISE EXCEPTION 'this token was used or revoked since it was made' USING ERRCODE = 'ES003'; END IF;
  INSERT INTO estop.audit (kind, actor, subject, after)
    VALUES ('token.made', left(p_actor, 200), 'token:' || p_token_id,
      jsonb_build_object('name', left(p_name, 200), 'mandates', p_mandates, 'expiresAt', ends));
  RETURN ends;
END $$;

-- What a token may do now: what it was made for, as far as its owner may still do it (by that role, or by one that may do all that it
-- may: `includesRole` of the core), and no longer than its owner may: a role that
-- was taken from them and given back is as new for their tokens as for them. `service` belongs to tokens of services alone.
CREATE FUNCTION estop.token_mandates(p_token_id text) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(jsonb_agg(CASE WHEN o.since > (m.m ->> 'since')::timestamptz THEN m.m || jsonb_build_object('since', o.told) ELSE m.m END), '[]')
    FROM estop.api_tokens t CROSS JOIN jsonb_array_elements(t.mandates) m(m) LEFT JOIN estop.people p ON p.person_id = t.owner
    LEFT JOIN LATERAL (SELECT true AS held, x.m ->> 'since' AS told, (x.m ->> 'since')::timestamptz AS since FROM jsonb_array_elements(p.mandates) x(m)
      WHERE (x.m ->> 'role' IN (m.m ->> 'role', CASE WHEN m.m ->> 'role' IN ('viewer', 'approver', 'operator') THEN 'admin' END)
          OR (m.m ->> 'role' = 'viewer' AND x.m ->> 'role' IN ('approver', 'operator'))) AND (NOT x.m ? 'labels' OR coalesce(m.m -> 'labels', '{}') @> (x.m -> 'labels'))
      ORDER BY since NULLS FIRST LIMIT 1) o ON true
    WHERE t.token_id = p_token_id AND (t.owner IS NULL OR t.basis IS NOT NULL OR (p.disabled_at IS NULL AND o.held))
$$;

CREATE FUNCTION estop.api_token_of(p_token_hash bytea) RETURNS TABLE (
  token_id text, name text, person text, mandates jsonb, basis bytea, expires_at timestamptz
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  held estop.api_tokens%ROWTYPE;
  moment timestamptz := clock_timestamp();
BEGIN
  SELECT * INTO held FROM estop.api_tokens t WHERE t.token_hash = p_token_hash AND t.revoked_at IS NULL AND t.expires_at > moment
    AND t.elapsed_at IS NULL AND NOT EXISTS (SELECT 1 FROM estop.people p WHERE p.person_id = t.owner AND p.disabled_at IS NOT NULL);
  IF NOT FOUND THEN RETURN; END IF;
  IF held.used_at IS NULL OR held.used_at < moment - interval '15 seconds' THEN
    UPDATE estop.api_tokens t SET used_at = moment WHERE t.token_id = held.token_id;
  END IF;
  RETURN QUERY SELECT held.token_id, held.name, held.person, estop.token_mandates(held.token_id), held.basis, held.expires_at;
END $$;

-- p_owner: only if it is theirs; null for whoever may revoke any.
CREATE FUNCTION estop.revoke_api_token(p_token_id text, p_person text, p_actor text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM estop.commit_durably();
  IF NOT EXISTS (SELECT 1 FROM estop.api_tokens t WHERE t.token_id = p_token_id AND (p_person IS NULL OR t.person = p_person)) THEN
    RETURN 'unknown';
  END IF;
  UPDATE estop.api_tokens t SET revoked_at = clock_timestamp(), revoked_by = left(p_actor, 200)
    WHERE t.token_id = p_token_id AND t.revoked_at IS NULL;
  IF NOT FOUND THEN RETURN 'already'; END IF;
  PERFORM estop.withdraw_lost_approvals(p_actor);
  INSERT INTO estop.audit (kind, actor, subject, before, after) SELECT 'token.revoked', left(p_actor, 200), 'token:' || p_token_id,
    jsonb_build_object('name', t.name, 'mandates', t.mandates, 'expiresAt', t.expires_at), jsonb_build_object('revokedAt', t.revoked_at)
    FROM estop.api_tokens t WHERE t.token_id = p_token_id;
  RETURN 'done';
END $$;

-- One at a time for each person. By the rule of a second person it waits for one, a quarter of an hour; otherwise it begins at once.
CREATE FUNCTION estop.ask_elevation(
  p_elevation_id text, p_person_id text, p_role text, p_reason text, p_life_ms bigint, p_rule text
) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  whose estop.people%ROWTYPE;
  moment timestamptz;
BEGIN
  IF coalesce(btrim(p_reason), '') = '' OR p_life_ms IS NULL OR p_life_ms <= 0 THEN
    RAISE EXCEPTION 'an elevation has a reason and an end' USING ERRCODE = 'ES002';
  END IF;
  PERFORM estop.commit_durably();
  SELECT * INTO whose FROM estop.people p WHERE p.person_id = p_person_id AND p.disabled_at IS NULL FOR UPDATE;
  IF NOT FOUND THEN RETURN 'unknown'; END IF;
  moment := clock_timestamp();
  IF EXISTS (SELECT 1 FROM estop.elevations e WHERE e.person_id = p_person_id AND e.ended_at IS NULL AND e.elapsed_at IS NULL
      AND (e.ends_at > moment OR (e.granted_at IS NULL AND e.asked_at > moment - interval '15 minutes'))) THEN
    RETURN 'already';
  END IF;
  INSERT INTO estop.elevations (elevation_id, person_id, name, person, role, reason, life_ms, rule, granted_at, granted_by, ends_at)
    VALUES (p_elevation_id, p_person_id, whose.name, whose.person, p_role, left(p_reason, 2000), p_life_ms, p_rule,
      CASE WHEN p_rule = 'review' THEN moment END, CASE WHEN p_rule = 'review' THEN whose.name END,
      CASE WHEN p_rule = 'review' THEN moment + make_interval(secs => p_life_ms / 1000.0) END);
  INSERT INTO estop.audit (kind, actor, subject, detail, reason, before, after)
    VALUES (CASE WHEN p_rule = 'review' THEN 'elevation.begun' ELSE 'elevation.asked' END, whose.name, 'elevation:' || p_elevation_id,
      jsonb_build_object('role', p_role, 'lifeMs', p_life_ms, 'rule', p_rule), left(p_reason, 2000), jsonb_build_object('mandates', whose.mandates),
      jsonb_build_object('mandates', whose.mandates, 'elevation', CASE WHEN p_rule = 'review' THEN 'active' ELSE 'asked' END));
  RETURN CASE WHEN p_rule = 'review' THEN 'active' ELSE 'asked' END;
END $$;

-- p_names: every name, in lower case, that whoever grants or reviews goes by now.
CREATE FUNCTION estop.grant_elevation(p_elevation_id text, p_names text[], p_actor text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  held estop.elevations%ROWTYPE;
  moment timestamptz;
BEGIN
  PERFORM estop.commit_durably();
  SELECT * INTO held FROM estop.elevations e WHERE e.elevation_id = p_elevation_id FOR UPDATE;
  IF NOT FOUND THEN RETURN 'unknown'; END IF;
  moment := clock_timestamp();
  IF held.granted_at IS NOT NULL OR held.ended_at IS NOT NULL OR held.asked_at <= moment - interval '15 minutes'
    OR held.elapsed_at IS NOT NULL OR held.asked_at > moment THEN RETURN 'closed'; END IF;
  IF lower(held.person) = ANY (p_names) OR lower(held.name) = ANY (p_names) OR held.name = p_actor THEN RETURN 'same-person'; END IF;
  UPDATE estop.elevations e SET granted_at = moment, granted_by = left(p_actor, 200),
      ends_at = moment + make_interval(secs => e.life_ms / 1000.0)
    WHERE e.elevation_id = p_elevation_id;
  INSERT INTO estop.audit (kind, actor, subject, detail, reason, before, after)
    VALUES ('elevation.begun', left(p_actor, 200), 'elevation:' || p_elevation_id,
      jsonb_build_object('role', held.role, 'of', held.name, 'lifeMs', held.life_ms), held.reason, '{"elevation": "asked"}', '{"elevation": "active"}');
  RETURN 'active';
END $$;

CREATE FUNCTION estop.end_elevation(p_elevation_id text, p_person text, p_actor text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  whose text;
BEGIN
  PERFORM estop.commit_durably();
  IF NOT EXISTS (SELECT 1 FROM estop.elevations e WHERE e.elevation_id = p_elevation_id AND (p_person IS NULL OR e.person = p_person)) THEN
    RETURN 'unknown';
  END IF;
  UPDATE estop.elevations e SET ended_at = clock_timestamp(), ended_by = left(p_actor, 200)
    WHERE e.elevation_id = p_elevation_id AND e.ended_at IS NULL AND e.elapsed_at IS NULL AND coalesce(e.ends_at > clock_timestamp(), true) RETURNING e.name INTO whose;
  IF NOT FOUND THEN RETURN 'already'; END IF;
  PERFORM estop.withdraw_lost_approvals(p_actor);
  INSERT INTO estop.audit (kind, actor, subject, detail, before, after) VALUES ('elevation.ended', left(p_actor, 200), 'elevation:' || p_elevation_id,
    jsonb_build_object('of', whose), '{"elevation": "active"}', '{"elevation": "ended"}');
  RETURN 'done';
END $$;

-- Of one that is over, by somebody else. Until then it stays open.
CREATE FUNCTION estop.review_elevation(p_elevation_id text, p_names text[], p_actor text, p_verdict text, p_note text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  held estop.elevations%ROWTYPE;
BEGIN
  IF coalesce(btrim(p_note), '') = '' THEN
    RAISE EXCEPTION 'a review says something' USING ERRCODE = 'ES002';
  END IF;
  PERFORM estop.commit_durably();
  SELECT * INTO held FROM estop.elevations e WHERE e.elevation_id = p_elevation_id FOR UPDATE;
  IF NOT FOUND THEN RETURN 'unknown'; END IF;
  IF held.reviewed_at IS NOT NULL OR held.granted_at IS NULL THEN RETURN 'closed'; END IF;
  IF lower(held.person) = ANY (p_names) OR lower(held.name) = ANY (p_names) OR held.name = p_actor THEN RETURN 'same-person'; END IF;
  IF held.ended_at IS NULL AND held.elapsed_at IS NULL AND held.ends_at > clock_timestamp() THEN RETURN 'active'; END IF;
  UPDATE estop.elevations e SET reviewed_at = clock_timestamp(), reviewed_by = left(p_actor, 200), verdict = p_verdict, review_note = left(p_note, 2000)
    WHERE e.elevation_id = p_elevation_id;
  INSERT INTO estop.audit (kind, actor, subject, detail, reason, before, after)
    VALUES ('elevation.reviewed', left(p_actor, 200), 'elevation:' || p_elevation_id, jsonb_build_object('of', held.name), left(p_note, 2000),
      '{"reviewed": false}', jsonb_build_object('reviewed', true, 'verdict', p_verdict));
  RETURN 'done';
END $$;

-- The scope keys that mandates let somebody stop; null: everything. A label of one pair is a scope of its own.
CREATE FUNCTION estop.stop_scopes(p_mandates jsonb) RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH m AS (SELECT x.m -> 'labels' AS labels FROM jsonb_array_elements(p_mandates) x(m) WHERE x.m ->> 'role' IN ('operator', 'admin')),
  wanted AS (SELECT row_number() OVER () AS n, (SELECT array_agg('label:' || l.key || '=' || l.value) FROM jsonb_each_text(m.labels) l) AS keys
    FROM m WHERE m.labels IS NOT NULL AND m.labels <> '{}')
  SELECT CASE WHEN EXISTS (SELECT 1 FROM m WHERE m.labels IS NULL OR m.labels = '{}') THEN NULL ELSE coalesce((
    SELECT array_agg(DISTINCT k) FROM (
      SELECT 'agent:' || a.agent_id AS k FROM wanted w, estop.agents a WHERE NOT EXISTS (
        SELECT 1 FROM unnest(w.keys) key WHERE NOT EXISTS (
          SELECT 1 FROM estop.agent_labels l WHERE l.agent_id = a.agent_id AND l.label_key = key AND l.tombstoned_at IS NULL))
      UNION SELECT w.keys[1] FROM wanted w WHERE cardinality(w.keys) = 1) s), '{}') END
$$;

-- Whom the stop process lets stop something, whole: what is not in it any more has lost that. It keeps this in memory, so a reach that
-- is wider for a while stands beside the one that stays (`wide_*`), with its own end. Ends are told as what is left: clocks differ.
CREATE FUNCTION estop.stop_rights() RETURNS TABLE (
  kind text, id text, hash bytea, basis bytea, actor text, person text, scopes text[], lasts interval, wide_actor text, wide_lasts interval
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  moment timestamptz := clock_timestamp();
BEGIN
  RETURN QUERY SELECT 'sign-in'::text, s.sign_in_id, s.secret_hash, s.basis, CASE WHEN r.standing THEN p.name ELSE marked.name END, p.person,
      CASE WHEN r.standing THEN r.scopes END, CASE WHEN r.standing THEN s.ends_at ELSE least(s.ends_at, e.ends_at) END - moment,
      CASE WHEN r.standing AND r.scopes IS NOT NULL THEN marked.name END,
      CASE WHEN r.standing AND r.scopes IS NOT NULL AND marked.name IS NOT NULL THEN least(s.ends_at, e.ends_at) - moment END
    FROM estop.sign_ins s JOIN estop.people p ON p.person_id = s.person_id
    LEFT JOIN LATERAL (SELECT x.elevation_id, x.ends_at FROM estop.elevations x WHERE x.person_id = p.person_id AND x.ended_at IS NULL
      AND x.ends_at > moment AND x.role IN ('operator', 'admin') LIMIT 1) e ON true
    CROSS JOIN LATERAL (SELECT p.name || ' (elevated, ' || e.elevation_id || ')' AS name) marked
    CROSS JOIN LATERAL (SELECT estop.stop_scopes(p.mandates) AS scopes,
      EXISTS (SELECT 1 FROM jsonb_array_elements(p.mandates) m(m) WHERE m.m ->> 'role' IN ('operator', 'admin')) AS standing) r
    WHERE s.ended_at IS NULL AND s.ends_at > moment AND s.seen_at + make_interval(secs => s.idle_ms / 1000.0) > moment
      AND p.disabled_at IS NULL AND (r.standing OR e.elevation_id IS NOT NULL);
  RETURN QUERY SELECT 'token'::text, t.token_id, t.token_hash, t.basis, t.name, t.person, estop.stop_scopes(g.mandates),
      t.expires_at - moment, NULL::text, NULL::interval
    FROM estop.api_tokens t CROSS JOIN LATERAL (SELECT estop.token_mandates(t.token_id) AS mandates) g
    WHERE t.revoked_at IS NULL AND t.expires_at > moment
      AND NOT EXISTS (SELECT 1 FROM estop.people p WHERE p.person_id = t.owner AND p.disabled_at IS NOT NULL)
      AND EXISTS (SELECT 1 FROM jsonb_array_elements(g.mandates) m(m) WHERE m.m ->> 'role' IN ('operator', 'admin'));
END $$;

GRANT EXECUTE ON FUNCTION
  estop.make_api_token(text, bytea, text, text, bytea, text, jsonb, text, bigint), estop.api_token_of(bytea),
  estop.revoke_api_token(text, text, text), estop.ask_elevation(text, text, text, text, bigint, text),
  estop.grant_elevation(text, text[], text), estop.end_elevation(text, text, text), estop.review_elevation(text, text[], text, text, text)
  TO estop_control;
GRANT EXECUTE ON FUNCTION estop.stop_rights() TO estop_stop;
GRANT SELECT ON estop.elevations TO estop_control;
GRANT SELECT (token_id, name, owner, person, mandates, made_by, made_at, expires_at, used_at, revoked_at, revoked_by) ON estop.api_tokens
  TO estop_control;
