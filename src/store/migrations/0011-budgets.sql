-- Budgets: reserve the worst case inside ADMIT, settle what was really used, and leave spent what nobody settles. Reviewed against
-- src/core/budget.ts, which says the same without locks; a test runs random histories through both.

-- One row per limit that estop.yaml sets; what has no row is not limited and costs ADMIT one look into this table.
CREATE TABLE estop.budget_limits (
  agent_id   text NOT NULL,
  scope      text NOT NULL CHECK (scope IN ('call', 'task', 'tree', 'agent', 'day')),
  calls      bigint CHECK (calls >= 0),
  tokens     bigint CHECK (tokens >= 0),
  microcents bigint CHECK (microcents >= 0),
  PRIMARY KEY (agent_id, scope)
);

-- What is spent or reserved, together: the difference is kept with the calls that are not settled. A row exists only where a limit
-- does, so that an agent without budgets waits for nobody. Rows stay small and their pages half empty, so that the update of a
-- hot one stays on its page.
CREATE TABLE estop.budgets (
  budget_key text PRIMARY KEY, -- `task:<id>`, `tree:<id of the root>`, `agent:<id>`, `day:<id>/<UTC date>`
  agent_id   text NOT NULL,
  scope      text NOT NULL CHECK (scope IN ('task', 'tree', 'agent', 'day')),
  calls      bigint NOT NULL CHECK (calls >= 0),
  tokens     bigint NOT NULL CHECK (tokens >= 0),
  microcents bigint NOT NULL CHECK (microcents >= 0),
  opened_at  timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 20);
CREATE INDEX budgets_by_agent ON estop.budgets (agent_id, opened_at);

-- What a call costs: the worst case until it is settled, then what was used. budget_keys: where it was reserved, so that a call of
-- yesterday is settled with yesterday's budget.
ALTER TABLE estop.calls
  ADD COLUMN cost_calls bigint NOT NULL DEFAULT 1,
  ADD COLUMN cost_tokens bigint NOT NULL DEFAULT 0,
  ADD COLUMN cost_microcents bigint NOT NULL DEFAULT 0,
  ADD COLUMN budget_keys text[];

-- The limits of an agent are those of the specification it is registered with, in the same transaction.
CREATE FUNCTION estop.put_budget_limits() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  wanted jsonb := coalesce(NEW.spec->'budgets', '{}'::jsonb);
BEGIN
  DELETE FROM estop.budget_limits l WHERE l.agent_id = NEW.agent_id AND NOT wanted ? l.scope;
  INSERT INTO estop.budget_limits AS l (agent_id, scope, calls, tokens, microcents)
    SELECT NEW.agent_id, b.key, (b.value->>'calls')::bigint, (b.value->>'tokens')::bigint, (b.value->>'microcents')::bigint FROM jsonb_each(wanted) b
    ON CONFLICT (agent_id, scope) DO UPDATE SET calls = excluded.calls, tokens = excluded.tokens, microcents = excluded.microcents;
  RETURN NULL;
END $$;
CREATE TRIGGER agents_put_budget_limits AFTER INSERT OR UPDATE OF spec ON estop.agents
  FOR EACH ROW EXECUTE FUNCTION estop.put_budget_limits();

-- Takes `calls, tokens, microcents` from every budget that covers the call, or from none. The tree's limit is the root's agent's,
-- everything else the agent's own. `refused` names the first that has no room, as scope and unit. Locks: the budgets, in the
-- order of their keys; each is compared under its lock, so that calls at the same time spend no more than there is. A date comes
-- from this database's clock: one that steps forward and back returns to the budget it left.
CREATE FUNCTION estop.reserve_budgets(p_task_id text, p_agent_id text, p_root_id text, p_worst bigint[], OUT refused text, OUT keys text[])
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  most constant bigint := 9223372036854775807;
  w_calls bigint := p_worst[1];
  w_tokens bigint := p_worst[2];
  w_microcents bigint := p_worst[3];
  root_agent text := p_agent_id;
  b record;
BEGIN
  IF (w_calls >= 0 AND w_tokens >= 0 AND w_microcents >= 0) IS NOT TRUE THEN
    RAISE EXCEPTION 'a cost is three whole numbers that are not negative' USING ERRCODE = 'ES002';
  END IF;
  IF p_root_id <> p_task_id THEN SELECT r.agent_id INTO root_agent FROM estop.tasks r WHERE r.task_id = p_root_id; END IF;
  FOR b IN
    SELECT l.agent_id, l.scope, coalesce(l.calls, most) AS calls, coalesce(l.tokens, most) AS tokens, coalesce(l.microcents, most) AS microcents,
      CASE l.scope WHEN 'task' THEN 'task:' || p_task_id WHEN 'tree' THEN 'tree:' || p_root_id WHEN 'agent' THEN 'agent:' || p_agent_id
        WHEN 'day' THEN 'day:' || p_agent_id || '/' || to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD') END AS key
    FROM estop.budget_limits l
    WHERE (l.agent_id = p_agent_id AND l.scope <> 'tree') OR (l.agent_id = root_agent AND l.scope = 'tree')
    ORDER BY key NULLS FIRST
  LOOP
    refused := CASE WHEN w_calls > b.calls THEN b.scope || ' calls' WHEN w_tokens > b.tokens THEN b.scope || ' tokens'
      WHEN w_microcents > b.microcents THEN b.scope || ' cents' END;
    EXIT WHEN refused IS NOT NULL;
    CONTINUE WHEN b.key IS NULL;
    INSERT INTO estop.budgets AS x (budget_key, agent_id, scope, calls, tokens, microcents)
      VALUES (b.key, b.agent_id, b.scope, w_calls, w_tokens, w_microcents)
      ON CONFLICT (budget_key) DO UPDATE
        SET calls = x.calls + w_calls, tokens = x.tokens + w_tokens, microcents = x.microcents + w_microcents
        WHERE x.calls <= b.calls - w_calls AND x.tokens <= b.tokens - w_tokens AND x.microcents <= b.microcents - w_microcents;
    IF NOT FOUND THEN
      SELECT b.scope || CASE WHEN x.calls > b.calls - w_calls THEN ' calls' WHEN x.tokens > b.tokens - w_tokens THEN ' tokens' ELSE ' cents' END
        INTO refused FROM estop.budgets x WHERE x.budget_key = b.key;
      EXIT;
    END IF;
    keys := keys || b.key;
  END LOOP;
  IF refused IS NOT NULL THEN
    PERFORM estop.release_budgets(keys, p_worst);
    keys := NULL;
  END IF;
END $$;

-- Every budget that covers a call of one of these tasks, locked in the order of the keys: whoever reserves for several calls takes them
-- all first, and waits for all of them together a quarter of the time that one may take: beside a call stand those of strangers. One that
-- is not there yet is made, empty. Around midnight the day may be another when it is reserved: then it is locked there.
CREATE FUNCTION estop.lock_budgets(p_task_ids text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  b record;
  most constant interval := current_setting('lock_timeout')::interval / 4;
  until_at constant timestamptz := clock_timestamp() + most;
  left_ms integer;
BEGIN
  FOR b IN
    SELECT DISTINCT l.agent_id, l.scope, CASE l.scope WHEN 'task' THEN 'task:' || t.task_id WHEN 'tree' THEN 'tree:' || t.root_id
        WHEN 'agent' THEN 'agent:' || t.agent_id WHEN 'day' THEN 'day:' || t.agent_id || '/' || to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD') END AS key
    FROM estop.tasks t JOIN estop.tasks r ON r.task_id = t.root_id
      JOIN estop.budget_limits l ON (l.agent_id = t.agent_id AND l.scope <> 'tree') OR (l.agent_id = r.agent_id AND l.scope = 'tree')
    WHERE t.task_id = ANY (p_task_ids) AND l.scope <> 'call' ORDER BY key
  LOOP
    IF most > interval '0' THEN
      left_ms := ceil(extract(epoch FROM until_at - clock_timestamp()) * 1000);
      IF left_ms <= 0 THEN RAISE EXCEPTION 'the budgets of these calls did not come free in time' USING ERRCODE = 'lock_not_available'; END IF;
      PERFORM set_config('lock_timeout', left_ms::text, true);
    END IF;
    PERFORM 1 FROM estop.budgets x WHERE x.budget_key = b.key FOR NO KEY UPDATE;
    CONTINUE WHEN FOUND;
    INSERT INTO estop.budgets AS x (budget_key, agent_id, scope, calls, tokens, microcents) VALUES (b.key, b.agent_id, b.scope, 0, 0, 0)
      ON CONFLICT (budget_key) DO UPDATE SET calls = x.calls;
  END LOOP;
END $$;

-- What was reserved in this very transaction and not used.
CREATE FUNCTION estop.release_budgets(p_keys text[], p_worst bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE estop.budgets x SET calls = x.calls - p_worst[1], tokens = x.tokens - p_worst[2], microcents = x.microcents - p_worst[3]
    WHERE x.budget_key = ANY (p_keys);
END $$;

-- How calls ended, each settled once: what a fence report has already called possibly-completed stays so, and stays spent. `denied`
-- was not made and gives everything back; what was made costs what its provider says, or the worst case where nobody says anything.
-- Locks: the calls in the order of their ids, then their budgets in the order of their keys. Whether one is settled is asked of the
-- row that was locked: asked in the search, it would bring in the index of open calls, all of whose dead entries are then read.
-- p_observed: calls, each after its gateway's id and a space, whose answers were remembered in this very transaction.
CREATE FUNCTION estop.settle_calls(
  p_ids text[], p_outcomes text[], p_calls bigint[], p_tokens bigint[], p_microcents bigint[], p_observed text[] DEFAULT '{}'
) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  d record;
  settled integer := 0;
BEGIN
  FOR d IN
    WITH open AS MATERIALIZED (
      SELECT c.call_id, c.settled_at, c.cost_calls, c.cost_tokens, c.cost_microcents, c.budget_keys FROM estop.calls c
      WHERE c.call_id = ANY (p_ids) ORDER BY c.call_id FOR UPDATE),
    given AS (
      SELECT DISTINCT ON (g.id) g.*, (g.outcome IN ('completed', 'failed') AND g.calls >= 0 AND g.tokens >= 0 AND g.microcents >= 0) IS TRUE AS is_told
      FROM unnest(p_ids, p_outcomes, p_calls, p_tokens, p_microcents) AS g(id, outcome, calls, tokens, microcents)),
    done AS (
      -- A gateway that does not know how a call ended has passed nothing of it on to the agent.
      UPDATE estop.calls c SET settled_at = clock_timestamp(), outcome = g.outcome,
        observed = c.observed OR g.outcome = 'possibly-completed' OR c.gateway_id || ' ' || c.call_id = ANY (p_observed),
        cost_calls = CASE WHEN g.outcome = 'denied' THEN 0 WHEN g.is_told THEN g.calls ELSE c.cost_calls END,
        cost_tokens = CASE WHEN g.outcome = 'denied' THEN 0 WHEN g.is_told THEN g.tokens ELSE c.cost_tokens END,
        cost_microcents = CASE WHEN g.outcome = 'denied' THEN 0 WHEN g.is_told THEN g.microcents ELSE c.cost_microcents END
      FROM open o JOIN given g ON g.id = o.call_id WHERE c.call_id = o.call_id AND o.settled_at IS NULL
      RETURNING c.budget_keys, c.cost_calls - o.cost_calls AS calls, c.cost_tokens - o.cost_tokens AS tokens, c.cost_microcents - o.cost_microcents AS microcents)
    SELECT k AS key, count(*) FILTER (WHERE k IS NULL OR k = done.budget_keys[1])::integer AS ended,
        sum(done.calls)::bigint AS calls, sum(done.tokens)::bigint AS tokens, sum(done.microcents)::bigint AS microcents
      FROM done LEFT JOIN LATERAL unnest(done.budget_keys) k ON true GROUP BY k ORDER BY k NULLS FIRST
  LOOP
    settled := settled + d.ended;
    CONTINUE WHEN d.key IS NULL OR (d.calls = 0 AND d.tokens = 0 AND d.microcents = 0);
    UPDATE estop.budgets x SET calls = x.calls + d.calls, tokens = x.tokens + d.tokens, microcents = x.microcents + d.microcents
      WHERE x.budget_key = d.key;
  END LOOP;
  RETURN settled;
END $$;

GRANT EXECUTE ON FUNCTION estop.settle_calls(text[], text[], bigint[], bigint[], bigint[], text[]) TO estop_gateway;
GRANT SELECT ON estop.budget_limits, estop.budgets TO estop_control, estop_revoker;
