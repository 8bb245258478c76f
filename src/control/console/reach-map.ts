import { html } from 'hono/html';
import type { AgentView } from '../../contract/http/agent-view.ts';
import { plural } from '../../contract/plural.ts';
import { foreign, type Markup, nothing, plainly } from './markup.ts';

type Reached = AgentView['reach'][number];

const boundaries = [
  ['machine', 'this machine'],
  ['private', 'private network'],
  ['public', 'public internet'],
  ['unknown', 'elsewhere: a credential leaves the gateway, or nobody said'],
] as const;
export const boundaryWords = new Map<string, string>(boundaries);

const graveness = ['read', 'fetch', 'write', 'destructive', 'code'] as const;
/** What no policy and no person stands before any more, and what may do the most harm; unknown is read as that. */
function isGrave({ kind, tier }: Reached): boolean {
  if (kind === 'tool') return tier === null || tier === 'destructive' || tier === 'code';
  return kind === 'credential';
}

interface Box {
  readonly at: string;
  readonly kind: Reached['kind'];
  readonly across: Reached['across'];
  readonly items: readonly Reached[];
  readonly y: number;
}

const rowHeight = 58;
const mostBoxes = 14;

/** The picture of the table below it: agents on the left, what they reach on the right, the trust boundaries between. */
export function reachMap(agent: AgentView): Markup {
  if (agent.reach.length === 0) return nothing;
  const { boxes, labels, hidden, height } = layOut(agent.reach);
  const agents = [...new Set(agent.reach.flatMap(({ by }) => by))].slice(0, mostBoxes);
  const yOf = (name: string): number => 34 + agents.indexOf(name) * rowHeight;
  const tall = Math.max(height, 34 + agents.length * rowHeight);
  return html`<div class="scroll map-frame" tabindex="0" role="region" aria-label="Map of what ${agent.agentId} can reach">
<svg class="map" viewBox="0 0 860 ${tall}" width="860" height="${tall}" role="img" aria-label="${agent.agentId} reaches ${plural(agent.reach.length, 'thing')} at ${plural(boxes.length, 'place')}; the table says the same">
${agents.flatMap((name) => linesOf(agent.reach, name, agents, yOf))}
${boxes.flatMap((box) =>
  agents
    .filter((name) => box.items.some(({ by }) => by.at(-1) === name))
    .map((name) =>
      line(
        205,
        yOf(name) + 22,
        520,
        box.y + 22,
        box.items.some((item) => item.by.at(-1) === name && isGrave(item)),
      ),
    ),
)}
${labels.map(({ y, words }) => html`<path class="boundary" d="M 300 ${y} H 850"></path><text class="sub" x="850" y="${y + 14}" text-anchor="end">${words}</text>`)}
${agents.map((name) => box(8, yOf(name), 197, name, name === agent.agentId ? 'this agent' : 'may be started by it', name !== agent.agentId))}
${boxes.map((one) => box(520, one.y, 330, one.at, wordsOf(one), one.items.some(isGrave)))}
</svg></div>${hidden === 0 ? nothing : html`<p class="lead">${plural(hidden, 'more place')} only in the table.</p>`}`;
}

function layOut(reach: readonly Reached[]): {
  readonly boxes: readonly Box[];
  readonly labels: readonly { readonly y: number; readonly words: string }[];
  readonly hidden: number;
  readonly height: number;
} {
  const boxes: Box[] = [];
  const labels: { y: number; words: string }[] = [];
  let y = 12;
  let hidden = 0;
  for (const [across, words] of boundaries) {
    const there = reach.filter((item) => item.across === across);
    const places = [...new Set(there.map((item) => `${item.kind} ${item.at}`))];
    const shown = places.slice(0, Math.max(0, mostBoxes - boxes.length));
    hidden += places.length - shown.length;
    if (shown.length === 0) continue;
    labels.push({ y, words });
    y += 22;
    for (const place of shown) {
      const items = there.filter((item) => `${item.kind} ${item.at}` === place);
      const [first] = items;
      if (first === undefined) continue;
      boxes.push({ at: first.at, kind: first.kind, across, items, y });
      y += rowHeight;
    }
  }
  return { boxes, labels, hidden, height: y + 4 };
}

/** Who may start whom. */
function linesOf(
  reach: readonly Reached[],
  name: string,
  agents: readonly string[],
  yOf: (name: string) => number,
): readonly Markup[] {
  const line = reach.find(({ by }) => by.at(-1) === name)?.by ?? [];
  const before = line.at(-2);
  if (before === undefined || !agents.includes(before)) return [];
  return [html`<path class="danger" d="M 40 ${yOf(before) + 44} V ${yOf(name)}"></path>`];
}

const line = (x: number, y: number, toX: number, toY: number, isDanger: boolean): Markup =>
  html`<path class="${isDanger ? 'danger' : ''}" d="M ${x} ${y} C ${x + 150} ${y}, ${toX - 150} ${toY}, ${toX} ${toY}"></path>`;

const box = (x: number, y: number, width: number, name: string, words: string, isDanger: boolean): Markup =>
  html`<g class="${isDanger ? 'danger' : ''}"><rect x="${x}" y="${y}" width="${width}" height="44" rx="9"></rect><text x="${x + 12}" y="${y + 19}">${plainly(name, 36)}</text><text class="sub" x="${x + 12}" y="${y + 35}">${plainly(words, 60)}</text></g>`;

function wordsOf({ kind, items }: Box): string {
  if (kind === 'model') return 'model';
  if (kind === 'credential') return `${plural(items.length, 'credential')} in the agent's hands`;
  const worst = graveness.toReversed().find((tier) => items.some((item) => item.tier === tier)) ?? 'tier unknown';
  return `${plural(items.length, 'tool')}, up to ${worst}`;
}

export function reachTable(agent: AgentView): Markup {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="What ${agent.agentId} can reach"><table class="fold">
<thead><tr><th scope="col">What</th><th scope="col">Tier</th><th scope="col">Who decides</th><th scope="col">Across</th><th scope="col">By</th></tr></thead>
<tbody>${agent.reach.map(
    (
      item,
    ) => html`<tr><th scope="row" data-of="What">${foreign(item.kind === 'tool' ? item.name : `${item.at}: ${item.name}`, 120)}</th>
<td data-of="Tier">${item.kind === 'tool' ? html`<span class="chip ${isGrave(item) ? 'bad' : item.tier === 'write' ? 'warn' : ''}">${item.tier ?? 'unknown'}</span>` : html`<span class="chip ${item.kind === 'credential' ? 'bad' : ''}">${item.kind}</span>`}</td>
<td data-of="Who decides">${item.decides}</td><td data-of="Across">${boundaryWords.get(item.across) ?? item.across}</td>
<td data-of="By">${item.isEscalation ? html`<span><span class="chip bad">only through</span> ${item.by.slice(1).join(' → ')}</span>` : 'itself'}</td></tr>`,
  )}</tbody></table></div>`;
}
