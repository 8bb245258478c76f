import { nearest } from '../core/nearest.ts';
import { parseScopeKey, type Scope } from '../core/scope-key.ts';
import type { CliContext } from './context.ts';
import { wordToType } from './quote-for-shell.ts';

/**
 * What was probably meant by a name that nobody here goes by, as the words of a command. For after a stop alone: an order is never
 * held up by a look at names, nor is another name ever stopped for one that was typed.
 */
export async function nearScope({ estop }: Pick<CliContext, 'estop'>, scopeKey: string): Promise<string | undefined> {
  const scope = parseScopeKey(scopeKey);
  if (scope === undefined) return undefined;
  try {
    const near = nearest(scope.value, await namesOf(estop, scope.kind));
    return near === undefined ? undefined : `${scope.kind} ${wordToType(near)}`;
  } catch {
    return undefined; // the rest of what is known was said already
  }
}

async function namesOf(estop: CliContext['estop'], kind: Scope['kind']): Promise<readonly string[]> {
  switch (kind) {
    case 'agent':
      return (await estop.agents.list()).items.map(({ agentId }) => agentId);
    case 'connector':
      return (await estop.connectors.list()).items.map(({ connectorId }) => connectorId);
    case 'tool':
      return (await estop.tools.list()).items.map(({ tool }) => tool);
    default:
      return [];
  }
}
