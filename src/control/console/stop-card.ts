import { html } from 'hono/html';
import type { ListedStop } from '../../contract/http/stops.ts';
import { scopeWords } from '../../core/scope-words.ts';
import { foreign, type Markup, nothing } from './markup.ts';
import { age, clock, span } from './when.ts';

/** What was verified of a stop, in one word of the glossary, and how loudly it should be read. */
export interface Verdict {
  readonly word: string;
  readonly tone: 'good' | 'warn' | 'bad';
}

/** Never more than the ledger has: a stage that is not stamped is not named as reached. */
export function verdictOf(stop: ListedStop): Verdict {
  const { obligations, evidence, reached, scopeKnown } = stop;
  if (scopeKnown === false) return { word: 'Nothing was stopped: nobody goes by this name', tone: 'bad' };
  const needs = obligations.needsHuman > 0 ? 'needs a person' : undefined;
  const lives = obligations.residual > 0 ? 'some access lives on' : undefined;
  if (reached === 'proved') {
    if (obligations.acceptedRisk > 0 || evidence === 'accepted-risk')
      return { word: 'Concluded, with a risk accepted', tone: 'warn' };
    if (scopeKnown === null)
      return { word: 'Proved: nothing to revoke; whether anybody goes by this name is not known', tone: 'warn' };
    return { word: evidence === 'nothing-to-revoke' ? 'Proved: nothing to revoke' : 'Proved dead', tone: 'good' };
  }
  const rest = [needs, lives].filter((part) => part !== undefined).join(', ');
  const name = { latched: 'Latched', fenced: 'Fenced', halted: 'Halted', revoked: 'Revoked' }[reached];
  return {
    word: rest === '' ? `${name}, not proved yet` : `${name}: ${rest}`,
    tone: needs === undefined ? 'warn' : 'bad',
  };
}

export function stopSummaryCard(stop: ListedStop, now: number): Markup {
  const verdict = verdictOf(stop);
  const isNobody = stop.scopeKnown === false;
  const proved = isNobody ? undefined : stop.stages.find(({ stage }) => stage === 'proved');
  const head = isNobody ? 'Stopped nobody' : stop.inForce ? 'Stopped' : 'Was stopped';
  const latched = stop.stages[0]?.at ?? '';
  return html`<article class="note ${stop.inForce ? verdict.tone : ''}">
  <div class="row between"><h3><a href="/stops/${stop.stopId}">${head}: ${foreign(scopeWords(stop.scopeKey))}</a></h3>
    <span class="chip ${verdict.tone}">${verdict.word}${typeof proved?.afterMs === 'number' ? ` in ${span(proved.afterMs)}` : ''}</span></div>
  <p><small>${age(latched, now)} ago, by ${foreign(stop.actor, 80)} (${stop.method})${stop.reason === '' ? nothing : html`: ${foreign(stop.reason, 160)}`}</small></p>
  ${stop.reset === null ? nothing : html`<p><small>Reset ${clock(stop.reset.at, now)} by ${foreign(stop.reset.by, 80)}: ${foreign(stop.reset.reason, 160)}</small></p>`}
</article>`;
}
