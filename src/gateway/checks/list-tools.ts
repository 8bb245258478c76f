import { type Line, markIn } from '../../contract/delegation.ts';
import { type Answer, type Check, known } from '../passage.ts';
import { rightsOf } from '../rights.ts';
import type { ToolServers } from '../upstream/tool-servers.ts';

/** What the agent may call, and nothing else: a tool that is not listed is not even known by name. */
export const listTools: Check = ({ host, facts }) => {
  const line = rightsOf(host.config.current(), known(facts.claims));
  facts.answer = line === undefined ? { tools: [] } : listFor(line, host.tools);
  return undefined;
};

const lists = new WeakMap<Line, { readonly version: number; readonly tools: ToolServers; readonly answer: Answer }>();

function listFor(line: Line, tools: ToolServers): Answer {
  const made = lists.get(line);
  if (made !== undefined && made.tools === tools && made.version === tools.version) return made.answer;
  const allowed = tools.all().filter((pin) => markIn(line, pin) !== undefined);
  const answer = { tools: allowed.map((pin) => ({ ...pin.definition, name: pin.listedName })) };
  lists.set(line, { version: tools.version, tools, answer });
  return answer;
}
