-- Policies: every set that was ever activated, whole and for good, and which one is in force.

ALTER TABLE estop.calls
  ADD COLUMN policy_version text NOT NULL DEFAULT 'none',
  ADD COLUMN policies text[] NOT NULL DEFAULT '{}';

-- `version` is made of the texts, so that a text that was changed would be another version.
CREATE TABLE estop.policy_versions (
  version     text PRIMARY KEY CHECK (version ~ '^[0-9a-f]{16}$'),
  files       jsonb NOT NULL,
  recorded_by text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE FUNCTION estop.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'what was recorded stays as it is' USING ERRCODE = 'ES002';
END $$;
CREATE TRIGGER policy_versions_stay BEFORE UPDATE OR DELETE ON estop.policy_versions FOR EACH ROW EXECUTE FUNCTION estop.refuse_change();

-- The newest is in force; before the first, what comes with estop. Numbered under a lock, so that they rise in commit order.
CREATE TABLE estop.policy_activations (
  activation   bigint PRIMARY KEY,
  version      text NOT NULL REFERENCES estop.policy_versions,
  activated_by text NOT NULL,
  seconded_by  text,
  reason       text NOT NULL,
  activated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TRIGGER policy_activations_stay BEFORE UPDATE OR DELETE ON estop.policy_activations FOR EACH ROW EXECUTE FUNCTION estop.refuse_change();

-- Where two people must want it: what each wanted, and after which activation. The word of a person holds for 15 minutes.
CREATE TABLE estop.policy_consents (
  version    text NOT NULL,
  after      bigint NOT NULL,
  actor      text NOT NULL,
  at         timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (version, after, actor)
);

-- Before the first activation stands what comes with estop.
CREATE FUNCTION estop.in_force(a estop.policy_activations) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object('version', coalesce((a).version, 'built-in'), 'activation', coalesce((a).activation, 0))
$$;

-- Puts a set in force that its caller has checked. p_after is the activation that the caller saw: what was activated since was decided
-- by somebody who did not know of this. p_names: every name that this person goes by; where two people must want it nobody is both. Locks: the one of activations, first.
CREATE FUNCTION estop.activate_policies(
  p_version text, p_files jsonb, p_actor text, p_reason text, p_after bigint, p_two_people boolean, p_names text[] DEFAULT '{}'
) RETURNS TABLE (outcome text, activation bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  newest estop.policy_activations%ROWTYPE;
  other text;
  next_one bigint;
BEGIN
  IF coalesce(p_actor, '') = '' OR coalesce(p_reason, '') = '' OR p_two_people IS NULL THEN
    RAISE EXCEPTION 'an activation needs a person, a reason and a rule' USING ERRCODE = 'ES002';
  END IF;
  PERFORM estop.commit_durably();
  PERFORM pg_advisory_xact_lock(1163088977, 2);
  SELECT * INTO newest FROM estop.policy_activations a ORDER BY a.activation DESC LIMIT 1;
  IF newest.version = p_version THEN RETURN QUERY SELECT 'already'::text, newest.activation; RETURN; END IF;
  IF coalesce(newest.activation, 0) IS DISTINCT FROM p_after THEN RETURN QUERY SELECT 'overtaken'::text, newest.activation; RETURN; END IF;
  INSERT INTO estop.policy_versions (version, files, recorded_by) VALUES (p_version, p_files, left(p_actor, 200)) ON CONFLICT DO NOTHING;
  IF NOT EXISTS (SELECT 1 FROM estop.policy_versions v WHERE v.version = p_version AND v.files = p_files) THEN
    RAISE EXCEPTION 'another set of policies has this version' USING ERRCODE = 'ES002';
  END IF;
  IF p_two_people THEN
    INSERT INTO estop.policy_consents AS c (version, after, actor) VALUES (p_version, p_after, left(p_actor, 200))
      ON CONFLICT (version, after, actor) DO UPDATE SET at = clock_timestamp();
    SELECT c.actor INTO other FROM estop.policy_consents c
      WHERE c.version = p_version AND c.after = p_after AND NOT EXISTS (SELECT 1 FROM unnest(p_names || p_actor) n WHERE lower(left(n, 200)) = lower(c.actor)) AND c.at BETWEEN clock_timestamp() - interval '15 minutes' AND clock_timestamp()
      ORDER BY c.at DESC LIMIT 1;
    IF other IS NULL THEN
      INSERT INTO estop.audit (kind, actor, subject, reason, before, after)
        VALUES ('policy.proposed', left(p_actor, 200), 'policy:' || p_version, left(p_reason, 2000), estop.in_force(newest), estop.in_force(newest) || '{"awaitsAnotherPerson": true}');
      RETURN QUERY SELECT 'needs-second-person'::text, newest.activation; RETURN;
    END IF;
  END IF;
  next_one := p_after + 1;
  INSERT INTO estop.policy_activations (activation, version, activated_by, seconded_by, reason)
    VALUES (next_one, p_version, left(p_actor, 200), other, left(p_reason, 2000));
  INSERT INTO estop.audit (kind, actor, subject, detail, reason, before, after)
    VALUES ('policy.activated', left(p_actor, 200), 'policy:' || p_version, jsonb_strip_nulls(jsonb_build_object('activation', next_one, 'secondedBy', other)),
      left(p_reason, 2000), estop.in_force(newest), jsonb_build_object('version', p_version, 'activation', next_one));
  RETURN QUERY SELECT 'activated'::text, next_one;
END $$;

CREATE FUNCTION estop.active_policies() RETURNS TABLE (activation bigint, version text, files jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.activation, a.version, v.files FROM estop.policy_activations a JOIN estop.policy_versions v USING (version)
  ORDER BY a.activation DESC LIMIT 1
$$;

-- What tasks and agents have spent, added up as their gateways say it, twice a second: what policies are told. It is no cap, and a
-- gateway that dies takes what it had not said with it; a budget is exact.
CREATE TABLE estop.spent (
  spent_key  text PRIMARY KEY, -- `task:<id>`, `agent:<id>`
  calls      bigint NOT NULL,
  tokens     bigint NOT NULL,
  microcents bigint NOT NULL
) WITH (fillfactor = 50);

-- Locks: its rows in the order of their keys.
CREATE FUNCTION estop.note_spent(p_spent jsonb) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO estop.spent AS s (spent_key, calls, tokens, microcents)
    SELECT k.spent_key, sum(x.calls), sum(x.tokens), sum(x.microcents)
    FROM jsonb_to_recordset(p_spent) AS x("taskId" text, "agentId" text, calls bigint, tokens bigint, microcents bigint),
      LATERAL (VALUES ('task:' || x."taskId"), ('agent:' || x."agentId")) AS k(spent_key)
    GROUP BY k.spent_key ORDER BY k.spent_key
    ON CONFLICT (spent_key) DO UPDATE
      SET calls = s.calls + excluded.calls, tokens = s.tokens + excluded.tokens, microcents = s.microcents + excluded.microcents
$$;

-- The purpose is that of the root: what an agent writes on a child task is its own word.
CREATE FUNCTION estop.task_standing(p_task_id text)
RETURNS TABLE (purpose text, task_calls bigint, task_tokens bigint, task_microcents bigint, agent_calls bigint, agent_tokens bigint, agent_microcents bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.purpose, coalesce(o.calls, 0), coalesce(o.tokens, 0), coalesce(o.microcents, 0), coalesce(a.calls, 0), coalesce(a.tokens, 0), coalesce(a.microcents, 0)
  FROM estop.tasks t JOIN estop.tasks r ON r.task_id = t.root_id
    LEFT JOIN estop.spent o ON o.spent_key = 'task:' || t.task_id
    LEFT JOIN estop.spent a ON a.spent_key = 'agent:' || t.agent_id
  WHERE t.task_id = p_task_id
$$;

GRANT EXECUTE ON FUNCTION estop.note_spent(jsonb), estop.task_standing(text) TO estop_gateway;
-- Grants are judged where they are issued.
GRANT EXECUTE ON FUNCTION estop.task_standing(text) TO estop_trusted;
-- What the gate refused before ADMIT, said by the gateways a second later: who, what, by which policies. Each says at most so many a
-- minute of one agent, and counts the others in one row without a digest, so that a flood fills nothing.
CREATE TABLE estop.denials (
  denial_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at             timestamptz NOT NULL DEFAULT clock_timestamp(),
  gateway_id     text NOT NULL,
  task_id        text, -- null: of several
  agent_id       text NOT NULL,
  asked          text NOT NULL, -- the key of the tool or the model, else the kind of request
  digest         bytea,
  reason         text NOT NULL,
  policy_version text,
  policies       text[] NOT NULL,
  times          bigint NOT NULL CHECK (times > 0)
);
CREATE INDEX denials_by_task ON estop.denials (task_id, at);
CREATE INDEX denials_by_agent ON estop.denials (agent_id, at);
CREATE INDEX denials_by_age ON estop.denials USING brin (at);

CREATE FUNCTION estop.note_denials(p_gateway_id text, p_denials jsonb) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO estop.denials (gateway_id, task_id, agent_id, asked, digest, reason, policy_version, policies, times)
    SELECT p_gateway_id, x."taskId", x."agentId", left(x.asked, 400), decode(x.digest, 'hex'), x.reason, x."policyVersion", coalesce(x.policies, '{}'), x.times
    FROM jsonb_to_recordset(p_denials) AS x("taskId" text, "agentId" text, asked text, digest text, reason text, "policyVersion" text, policies text[], times bigint)
$$;

GRANT EXECUTE ON FUNCTION estop.note_denials(text, jsonb) TO estop_gateway;
GRANT SELECT ON estop.denials TO estop_control;
GRANT EXECUTE ON FUNCTION estop.active_policies() TO estop_gateway, estop_control, estop_trusted;
GRANT EXECUTE ON FUNCTION estop.activate_policies(text, jsonb, text, text, bigint, boolean, text[]) TO estop_control;
GRANT SELECT ON estop.policy_versions, estop.policy_activations, estop.policy_consents TO estop_control;
