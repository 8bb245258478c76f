import { EstopError } from '../../core/errors.ts';
import type { Admission, AdmitRequest } from '../../store/calls.ts';

interface Ledger {
  admit(request: AdmitRequest): Promise<Admission>;
  admitMany(gatewayId: string, requests: readonly AdmitRequest[]): Promise<ReadonlyMap<string, Admission>>;
  /** Nothing was recorded, and the reason may lie in one of them alone. */
  wasUndone(thrown: unknown): boolean;
  /** The reason is somebody's lock that did not come free. */
  waitedInVain(thrown: unknown): boolean;
}

interface Waiting {
  readonly request: AdmitRequest;
  readonly resolve: (admission: Admission | Promise<Admission>) => void;
  readonly reject: (reason: unknown) => void;
}

/** What waits behind one lock waits in one of them; the others go on. */
const mostUnderWay = 3;
const mostTogether = 32;
/** As long as a batch waits for locks. Whatever takes longer keeps nobody else from asking. */
const patienceMs = 250;

/**
 * Calls that get as far as ADMIT in the same moment are asked about in one statement with one commit: of a busy gateway that is most of
 * what it costs the store. A call that comes alone is asked about alone, at once. Where a batch was undone each of it is asked about by
 * itself, so that no call is denied for what is wrong with another.
 * An agent whose budget somebody holds is set apart: one of its calls waits for it, on one connection, and its others wait for that one,
 * until one has had an answer. They would meet the same lock, and the calls of other agents would wait behind them.
 */
export class AdmitTogether {
  readonly #ledger: Ledger;
  /** Those behind the one that waits, by their agents. */
  readonly #apart = new Map<string, Waiting[]>();
  /** Agents of whose calls the last has waited in vain. */
  readonly #suspects = new Set<string>();
  #waiting: Waiting[] = [];
  #underWay = 0;
  #isDue = false;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  admit(request: AdmitRequest): Promise<Admission> {
    if (request.needsApproval) return this.#ledger.admit(request);
    return new Promise((resolve, reject) => this.#stand({ request, resolve, reject }));
  }

  #stand(one: Waiting): void {
    if (this.#apart.size === 0 && this.#suspects.size === 0) this.#waiting.push(one);
    else if (this.#apart.has(agentsOf(one)) || this.#suspects.has(agentsOf(one))) this.#setApart(one);
    else this.#waiting.push(one);
    this.#wake();
  }

  /** When whatever else came in this turn of the event loop stands here too. */
  #wake(): void {
    if (this.#isDue || this.#underWay >= mostUnderWay || this.#waiting.length === 0) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.#askNext();
    });
  }

  #askNext(): void {
    const batch = this.#take();
    this.#underWay += 1;
    this.#wake();
    let isCounted = true;
    const uncount = (): void => {
      if (!isCounted) return;
      isCounted = false;
      clearTimeout(timer);
      this.#underWay -= 1;
      this.#wake();
    };
    const timer = setTimeout(uncount, patienceMs);
    this.#ask(batch).then(uncount, uncount);
  }

  /** Those of one gateway: its id changes when it has to register anew. */
  #take(): readonly Waiting[] {
    const gatewayId = this.#waiting[0]?.request.gatewayId;
    const other = this.#waiting.findIndex(({ request }) => request.gatewayId !== gatewayId);
    return this.#waiting.splice(0, Math.min(other === -1 ? mostTogether : other, mostTogether));
  }

  async #ask(batch: readonly Waiting[]): Promise<void> {
    const [first, ...others] = batch;
    if (first === undefined) return;
    if (others.length === 0) return this.#askAlone(first);
    try {
      const said = await this.#ledger.admitMany(
        first.request.gatewayId,
        batch.map(({ request }) => request),
      );
      for (const { request, resolve, reject } of batch) {
        const admission = said.get(request.callId);
        if (admission === undefined) reject(new EstopError('internal'));
        else resolve(admission);
      }
    } catch (thrown) {
      if (!this.#ledger.wasUndone(thrown)) for (const { reject } of batch) reject(thrown);
      else if (this.#ledger.waitedInVain(thrown)) for (const one of batch) this.#setApart(one);
      else await Promise.all(batch.map((one) => this.#askAlone(one)));
    }
  }

  /** One that waits for long keeps those of its agents that come meanwhile behind it. */
  async #askAlone(one: Waiting): Promise<void> {
    const { request, resolve, reject } = one;
    let behind: Waiting[] | undefined;
    const timer = setTimeout(() => {
      const agents = agentsOf(one);
      if (!this.#apart.has(agents)) this.#apart.set(agents, (behind = this.#takeAll(agents)));
    }, patienceMs);
    const said = this.#ledger.admit(request);
    said.then(resolve, reject);
    await this.#letGo(agentsOf(one), said, () => behind);
    clearTimeout(timer);
  }

  /** Of each agent one is asked about; nobody knows yet whose lock it was. */
  #setApart(one: Waiting): void {
    const agents = agentsOf(one);
    const behind = this.#apart.get(agents);
    if (behind !== undefined) {
      behind.push(one);
      return;
    }
    const mine = this.#takeAll(agents);
    this.#apart.set(agents, mine);
    const said = this.#ledger.admit(one.request);
    said.then(one.resolve, one.reject);
    void this.#letGo(agents, said, () => mine);
  }

  /** Also those that stand in the line already: each batch with one of them would wait as long again. */
  #takeAll(agents: string): Waiting[] {
    const those = this.#waiting.filter((one) => agentsOf(one) === agents);
    if (those.length > 0) this.#waiting = this.#waiting.filter((one) => agentsOf(one) !== agents);
    return those;
  }

  /** Those behind it go the common way again, unless it has waited in vain: then so have they. */
  async #letGo(agents: string, said: Promise<Admission>, behind: () => readonly Waiting[] | undefined): Promise<void> {
    const thrown: unknown = await said.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    const isInVain = thrown !== undefined && this.#ledger.waitedInVain(thrown);
    if (isInVain) this.#suspects.add(agents);
    else this.#suspects.delete(agents);
    const those = behind();
    if (those === undefined) return;
    this.#apart.delete(agents);
    if (isInVain) for (const { reject } of those) reject(thrown);
    else for (const one of those) this.#stand(one);
  }
}

/** The agent of the task and those that it works for: they share their budgets. */
const agentsOf = ({ request }: Waiting): string => request.keys.filter((key) => key.startsWith('agent:')).join(' ');
