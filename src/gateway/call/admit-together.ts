import { EstopError } from '../../core/errors.ts';
import type { Admission, AdmitRequest } from '../../store/calls.ts';

interface Ledger {
  admit(request: AdmitRequest): Promise<Admission>;
  admitMany(gatewayId: string, requests: readonly AdmitRequest[]): Promise<ReadonlyMap<string, Admission>>;
  /** Nothing was recorded, and the reason may lie in one of them alone. */
  wasUndone(thrown: unknown): boolean;
}

interface Waiting {
  readonly request: AdmitRequest;
  readonly resolve: (admission: Admission | Promise<Admission>) => void;
  readonly reject: (reason: unknown) => void;
}

/** What waits behind one lock waits in one of them; the others go on. */
const mostUnderWay = 3;
const mostTogether = 32;

/**
 * Calls that get as far as ADMIT in the same moment are asked about in one statement with one commit: of a busy gateway that is most of
 * what it costs the store. A call that comes alone is asked about alone, at once. Where a batch was undone each of it is asked about by
 * itself, so that no call is denied for what is wrong with another.
 */
export class AdmitTogether {
  readonly #ledger: Ledger;
  #waiting: Waiting[] = [];
  #underWay = 0;
  #isDue = false;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  admit(request: AdmitRequest): Promise<Admission> {
    if (request.needsApproval) return this.#ledger.admit(request);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject });
      this.#wake();
    });
  }

  /** When whatever else came in this turn of the event loop stands here too. */
  #wake(): void {
    if (this.#isDue || this.#underWay >= mostUnderWay || this.#waiting.length === 0) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      void this.#askNext();
    });
  }

  async #askNext(): Promise<void> {
    const batch = this.#take();
    this.#underWay += 1;
    this.#wake();
    try {
      await this.#ask(batch);
    } finally {
      this.#underWay -= 1;
      this.#wake();
    }
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
      if (this.#ledger.wasUndone(thrown)) await Promise.all(batch.map((one) => this.#askAlone(one)));
      else for (const { reject } of batch) reject(thrown);
    }
  }

  async #askAlone({ request, resolve, reject }: Waiting): Promise<void> {
    await this.#ledger.admit(request).then(resolve, reject);
  }
}
