-- What people configure, and what the API remembers: agents and their labels, configuration versions, audit, idempotency.
CREATE TABLE estop.config_versions (
  version    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor      text NOT NULL,
  digest     text NOT NULL,
  document   jsonb NOT NULL
);

-- An answer that was given is given again to the same request.
CREATE TABLE estop.idempotency_keys (
  key          text NOT NULL,
  actor        text NOT NULL,
  request_hash bytea NOT NULL,
  status       integer,
  response     jsonb,
  begun_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (actor, key)
);

-- All or nothing: the agents of one estop.yaml. Agents that are gone from it are retired, unless they have open tasks: then nothing
-- changes and they are named. Labels that are gone are tombstoned here and closed by settle_labels in a later transaction.
-- Locks: one for configuration writers, then the agents' rows in order. rule: no-relabel-out
CREATE FUNCTION estop.apply_agents(p_agents jsonb) RETURNS TABLE (outcome text, agent_id text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM pg_advisory_xact_lock(1163088977, 1);
  PERFORM 1 FROM estop.agents a ORDER BY a.agent_id FOR UPDATE;
  RETURN QUERY SELECT 'open-tasks'::text, a.agent_id FROM estop.agents a
    WHERE a.retired_at IS NULL AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(p_agents) x WHERE x->>'agentId' = a.agent_id)
      AND EXISTS (SELECT 1 FROM estop.tasks t WHERE t.agent_id = a.agent_id AND t.state <> 'closed')
    ORDER BY a.agent_id;
  IF FOUND THEN RETURN; END IF;
  UPDATE estop.agents a SET retired_at = clock_timestamp()
    WHERE a.retired_at IS NULL AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(p_agents) x WHERE x->>'agentId' = a.agent_id);
  INSERT INTO estop.agents AS a (agent_id, owner, stop_holder, spec)
    SELECT x->>'agentId', x->>'owner', x->>'stopHolder', x->'spec' FROM jsonb_array_elements(p_agents) x
    ON CONFLICT (agent_id) DO UPDATE SET owner = excluded.owner, stop_holder = excluded.stop_holder, spec = excluded.spec, retired_at = NULL;
  INSERT INTO estop.agent_labels AS l (agent_id, label_key)
    SELECT x->>'agentId', k FROM jsonb_array_elements(p_agents) x, jsonb_array_elements_text(x->'labelKeys') k
    ON CONFLICT (agent_id, label_key) DO UPDATE SET tombstoned_at = NULL, removed_epoch = NULL;
  UPDATE estop.agent_labels l SET tombstoned_at = clock_timestamp()
    FROM jsonb_array_elements(p_agents) x
    WHERE l.agent_id = x->>'agentId' AND l.tombstoned_at IS NULL AND NOT (x->'labelKeys') ? l.label_key;
  RETURN QUERY SELECT 'applied'::text, x->>'agentId' FROM jsonb_array_elements(p_agents) x;
END $$;

-- One statement, one snapshot: it sees only tombstones that have committed, so the epoch it reads holds every stop that was latched
-- while the label was still carried. Run it in a transaction of its own, after apply_agents. The lock of configuration writers comes
-- first: waiting for one of their rows instead would take the row as it is by then with an epoch from before. rule: no-relabel-out
CREATE FUNCTION estop.settle_labels() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  settled integer;
BEGIN
  PERFORM pg_advisory_xact_lock(1163088977, 1);
  UPDATE estop.agent_labels l SET removed_epoch = estop.current_epoch() WHERE l.tombstoned_at IS NOT NULL AND l.removed_epoch IS NULL;
  GET DIAGNOSTICS settled = ROW_COUNT;
  RETURN settled;
END $$;

-- A new version only where the newest one differs; going back to an older text is a new version.
CREATE FUNCTION estop.record_config(p_actor text, p_digest text, p_document jsonb) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  newest estop.config_versions%ROWTYPE;
  made bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(1163088977, 1);
  SELECT * INTO newest FROM estop.config_versions ORDER BY version DESC LIMIT 1;
  IF newest.digest = p_digest THEN RETURN newest.version; END IF;
  INSERT INTO estop.config_versions (actor, digest, document) VALUES (p_actor, p_digest, p_document) RETURNING version INTO made;
  -- The documents themselves stand under their versions.
  INSERT INTO estop.audit (kind, actor, subject, method, before, after) VALUES ('configuration.applied', left(p_actor, 200), 'configuration', 'configuration',
    CASE WHEN newest.version IS NOT NULL THEN jsonb_build_object('version', newest.version, 'digest', newest.digest) END,
    jsonb_build_object('version', made, 'digest', p_digest));
  RETURN made;
END $$;

-- Time and order are the store's, never the caller's.
CREATE FUNCTION estop.append_audit(
  p_kind text, p_actor text, p_subject text, p_detail jsonb, p_reason text DEFAULT NULL, p_before jsonb DEFAULT NULL, p_after jsonb DEFAULT NULL
) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO estop.audit (kind, actor, subject, detail, reason, before, after)
    VALUES (p_kind, left(p_actor, 200), left(p_subject, 400), coalesce(p_detail, '{}'), left(p_reason, 2000), p_before, p_after) RETURNING seq
$$;

-- `fresh`: the caller does the work and calls finish_request. A request that never finished may be taken over after p_stale_ms.
CREATE FUNCTION estop.begin_request(p_actor text, p_key text, p_hash bytea, p_stale_ms integer)
RETURNS TABLE (decision text, status integer, response jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  known estop.idempotency_keys%ROWTYPE;
BEGIN
  INSERT INTO estop.idempotency_keys (actor, key, request_hash) VALUES (p_actor, p_key, p_hash) ON CONFLICT DO NOTHING;
  IF FOUND THEN RETURN QUERY SELECT 'fresh'::text, NULL::integer, NULL::jsonb; RETURN; END IF;
  SELECT * INTO known FROM estop.idempotency_keys k WHERE k.actor = p_actor AND k.key = p_key FOR UPDATE;
  IF known.request_hash <> p_hash THEN RETURN QUERY SELECT 'mismatch'::text, NULL::integer, NULL::jsonb; RETURN; END IF;
  IF known.status IS NOT NULL THEN RETURN QUERY SELECT 'replay'::text, known.status, known.response; RETURN; END IF;
  IF known.begun_at > clock_timestamp() - make_interval(secs => p_stale_ms / 1000.0) THEN
    RETURN QUERY SELECT 'in-flight'::text, NULL::integer, NULL::jsonb; RETURN;
  END IF;
  UPDATE estop.idempotency_keys k SET begun_at = clock_timestamp() WHERE k.actor = p_actor AND k.key = p_key;
  RETURN QUERY SELECT 'fresh'::text, NULL::integer, NULL::jsonb;
END $$;

-- A null status forgets the request: it failed in a way that a retry may mend.
CREATE FUNCTION estop.finish_request(p_actor text, p_key text, p_status integer, p_response jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF p_status IS NULL THEN
    DELETE FROM estop.idempotency_keys k WHERE k.actor = p_actor AND k.key = p_key AND k.status IS NULL;
  ELSE
    UPDATE estop.idempotency_keys k SET status = p_status, response = p_response WHERE k.actor = p_actor AND k.key = p_key AND k.status IS NULL;
  END IF;
END $$;

CREATE FUNCTION estop.prune_requests(p_older_ms bigint) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  pruned integer;
BEGIN
  DELETE FROM estop.idempotency_keys k WHERE k.begun_at < clock_timestamp() - make_interval(secs => p_older_ms / 1000.0);
  GET DIAGNOSTICS pruned = ROW_COUNT;
  RETURN pruned;
END $$;

-- What upstream tools say of themselves. `accepted`: what may be called, one definition for each tool. `changed`: shown since, and
-- not looked at by anybody; while there is one, nobody calls the tool. `blocked`: looked at, and not the accepted one. Tier and labels
-- are what was proposed at first sight, by name, description, schema and annotations; `look` is what the name looks like to a reader,
-- and `resembles` the tool that it could be taken for.
CREATE TABLE estop.tool_pins (
  server_id     text NOT NULL,
  tool          text NOT NULL,
  hash          text NOT NULL,
  definition    text NOT NULL,
  tier          text NOT NULL,
  labels        text[] NOT NULL,
  because       text NOT NULL,
  look          text NOT NULL,
  resembles     text,
  state         text NOT NULL CHECK (state IN ('accepted', 'changed', 'blocked')),
  first_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  last_seen_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  accepted_by   text,
  accepted_at   timestamptz,
  PRIMARY KEY (server_id, tool, hash)
);
CREATE UNIQUE INDEX tool_pins_accepted ON estop.tool_pins (server_id, tool) WHERE state = 'accepted';
CREATE INDEX tool_pins_look ON estop.tool_pins (look);

-- Rises with whatever a gateway must know of. Renewals read it, so that every gateway hears of a change within one of them. Its lock
-- orders what several gateways see at once, and puts versions in commit order, which a sequence would not.
CREATE TABLE estop.tool_pin_version (only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), version bigint NOT NULL DEFAULT 0);
INSERT INTO estop.tool_pin_version DEFAULT VALUES;

-- One listing of one server, and what may be called of it; an empty listing only asks. The first sight of a tool is accepted, unless
-- its name could be taken for that of another tool, of whichever server: that one waits for a person. A
-- definition that is not the accepted one makes the tool `changed` until a person decides: showing the old one again does not undo
-- that, or a server could show each gateway another face. Strangers are kept to 8 definitions a tool and 2,000 tools a server.
-- Locks: the row of the version.
CREATE FUNCTION estop.note_tools(p_server_id text, p_seen jsonb)
RETURNS TABLE (version bigint, tool text, hash text, changed boolean, tier text, labels text[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  seen record;
  known text;
  first_sight boolean;
  other text;
  news boolean := false;
BEGIN
  IF jsonb_array_length(p_seen) > 0 THEN PERFORM 1 FROM estop.tool_pin_version FOR UPDATE; END IF;
  FOR seen IN SELECT x.* FROM jsonb_to_recordset(p_seen)
      AS x(tool text, hash text, definition text, tier text, labels text[], because text, look text) LOOP
    other := NULL;
    SELECT p.state INTO known FROM estop.tool_pins p WHERE p.server_id = p_server_id AND p.tool = seen.tool AND p.hash = seen.hash;
    IF known IS NOT NULL THEN
      UPDATE estop.tool_pins p SET last_seen_at = clock_timestamp(), state = CASE WHEN known = 'blocked' THEN 'changed' ELSE known END
        WHERE p.server_id = p_server_id AND p.tool = seen.tool AND p.hash = seen.hash;
      CONTINUE WHEN known <> 'blocked';
      first_sight := false;
    ELSE
      first_sight := NOT EXISTS (SELECT 1 FROM estop.tool_pins p WHERE p.server_id = p_server_id AND p.tool = seen.tool);
      CONTINUE WHEN first_sight AND (SELECT count(DISTINCT p.tool) FROM estop.tool_pins p WHERE p.server_id = p_server_id) >= 2000;
      IF first_sight THEN
        SELECT p.server_id || '/' || p.tool INTO other FROM estop.tool_pins p
          WHERE p.look = seen.look AND p.tool <> seen.tool
            -- Of two servers, one may write get_user and the other getUser: those are the same words, honestly spelled.
            AND (p.server_id = p_server_id
              OR regexp_replace(lower(p.tool), '[-_.]', '', 'g') <> regexp_replace(lower(seen.tool), '[-_.]', '', 'g'))
          ORDER BY p.first_seen_at LIMIT 1;
        first_sight := other IS NULL;
      END IF;
      INSERT INTO estop.tool_pins (server_id, tool, hash, definition, tier, labels, because, look, resembles, state, accepted_by, accepted_at)
        VALUES (p_server_id, seen.tool, seen.hash, seen.definition, seen.tier, seen.labels, seen.because, seen.look, other,
          CASE WHEN first_sight THEN 'accepted' ELSE 'changed' END,
          CASE WHEN first_sight THEN 'first-sight' END, CASE WHEN first_sight THEN clock_timestamp() END);
      DELETE FROM estop.tool_pins p WHERE p.server_id = p_server_id AND p.tool = seen.tool AND p.state <> 'accepted'
        AND p.hash NOT IN (SELECT n.hash FROM estop.tool_pins n WHERE n.server_id = p_server_id AND n.tool = seen.tool
          AND n.state <> 'accepted' ORDER BY n.last_seen_at DESC LIMIT 7);
    END IF;
    news := true;
    INSERT INTO estop.audit (kind, actor, subject, detail, before, after)
      VALUES (CASE WHEN first_sight THEN 'tool.accepted' ELSE 'tool.changed' END, CASE WHEN first_sight THEN 'first-sight' ELSE 'upstream' END,
        'tool:' || p_server_id || '/' || seen.tool, jsonb_strip_nulls(jsonb_build_object('tier', seen.tier, 'resembles', other)),
        (SELECT jsonb_build_object('accepted', p.hash) FROM estop.tool_pins p
          WHERE p.server_id = p_server_id AND p.tool = seen.tool AND p.state = 'accepted' AND NOT first_sight),
        jsonb_build_object(CASE WHEN first_sight THEN 'accepted' ELSE 'seen' END, seen.hash));
  END LOOP;
  IF news THEN UPDATE estop.tool_pin_version v SET version = v.version + 1; END IF;
  RETURN QUERY SELECT v.version, a.tool, a.hash, EXISTS (SELECT 1 FROM estop.tool_pins c
      WHERE c.server_id = p_server_id AND c.tool = a.tool AND c.state = 'changed'), a.tier, a.labels
    FROM estop.tool_pin_version v LEFT JOIN estop.tool_pins a ON a.server_id = p_server_id AND a.state = 'accepted';
END $$;

-- The definitions of one tool by what became of them.
CREATE FUNCTION estop.pins_of(p_server_id text, p_tool text) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_object_agg(s.state, s.hashes) FROM (SELECT p.state, jsonb_agg(p.hash ORDER BY p.hash) AS hashes FROM estop.tool_pins p
    WHERE p.server_id = p_server_id AND p.tool = p_tool GROUP BY p.state) s
$$;

-- One definition of one tool is what may be called from now on, and every other one has been looked at. Accepting the one that was
-- accepted already refuses what it was changed into. Locks: the row of the version.
CREATE FUNCTION estop.accept_tool(p_server_id text, p_tool text, p_hash text, p_actor text, p_reason text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  was jsonb;
BEGIN
  IF coalesce(p_actor, '') = '' THEN
    RAISE EXCEPTION 'a definition is accepted by somebody' USING ERRCODE = 'ES002';
  END IF;
  PERFORM estop.commit_durably();
  PERFORM 1 FROM estop.tool_pin_version FOR UPDATE;
  IF NOT EXISTS (SELECT 1 FROM estop.tool_pins p WHERE p.server_id = p_server_id AND p.tool = p_tool AND p.hash = p_hash) THEN
    RETURN false;
  END IF;
  was := estop.pins_of(p_server_id, p_tool);
  UPDATE estop.tool_pins p SET state = 'blocked' WHERE p.server_id = p_server_id AND p.tool = p_tool AND p.hash <> p_hash;
  UPDATE estop.tool_pins p SET state = 'accepted', accepted_by = left(p_actor, 200), accepted_at = clock_timestamp()
    WHERE p.server_id = p_server_id AND p.tool = p_tool AND p.hash = p_hash;
  UPDATE estop.tool_pin_version v SET version = v.version + 1;
  INSERT INTO estop.audit (kind, actor, subject, reason, before, after)
    VALUES ('tool.accepted', left(p_actor, 200), 'tool:' || p_server_id || '/' || p_tool, left(p_reason, 2000), was, estop.pins_of(p_server_id, p_tool));
  RETURN true;
END $$;
