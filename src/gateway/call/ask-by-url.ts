import { type Denial, known, type Passage } from '../passage.ts';
import { isRecord } from '../upstream/read-reply.ts';

/** Under which our question and its answer travel. No answer under it says anything: only the approval's own row does. */
export const approvalInput = 'estop-approval';

type NeedsApproval = Extract<Denial, { kind: 'needs-approval' }>;

/**
 * Where the client's host can open a page for its user, it is given the page on which a person decides. Asked once: a call that
 * comes back undecided is told so in words, or the host would ask for ever. A form would be answered by the agent's own host, which
 * is nobody's approval, so none is ever sent.
 */
export async function askByUrl({ host, client, facts }: Passage, denial: NeedsApproval): Promise<NeedsApproval> {
  const url = host.approvalPage?.(denial.approvalId);
  if (url === undefined || client === undefined) return denial;
  // With a session there is no state to carry: the call is sent again as it is, and what was shown is remembered here.
  if (client.era === 'legacy')
    return client.session?.showsPageOf(denial.approvalId) === true ? { ...denial, ask: { url } } : denial;
  // Its host would send our state in the place of the server's, and the call would be another one.
  if (facts.approvalAnswered === true || facts.inputs !== undefined || !opensPages(client.capabilities)) return denial;
  const { taskId } = known(facts.claims);
  const carried = { taskId, digest: known(facts.digest), approvalId: denial.approvalId };
  return { ...denial, ask: { url, requestState: await host.approvalStates.mint(carried) } };
}

export function opensPages({ elicitation }: Readonly<Record<string, unknown>>): boolean {
  return isRecord(elicitation) && Object.hasOwn(elicitation, 'url');
}
