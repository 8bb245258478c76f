/** They share the sockets to a server with everybody's calls: of those there are so many that a client which never lets go takes none away. */
const mostOfAgent = 32;

/** The streams of changes that agents have open at one server. */
export class Streams {
  readonly #open = new Map<string, Set<() => void>>();

  /** Of too many the oldest ends. Returns how it is left. */
  enter(agentId: string, end: () => void): () => void {
    const own = this.#open.get(agentId) ?? new Set();
    this.#open.set(agentId, own);
    own.add(end);
    const [oldest] = own;
    if (own.size > mostOfAgent && oldest !== undefined) {
      own.delete(oldest);
      oldest();
    }
    return () => {
      own.delete(end);
      if (own.size === 0) this.#open.delete(agentId);
    };
  }
}
