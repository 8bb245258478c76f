import { hash } from 'node:crypto';
import { modelKey } from '../../core/scope-key.ts';
import { faultInBetas } from '../model/betas.ts';
import { readModelRequest } from '../model/model-request.ts';
import { type Check, denied, known } from '../passage.ts';

/** The body was read by the strict parser. Here it becomes the bytes that are sent. */
export const checkModelRequest: Check = ({ asked, facts }) => {
  if (asked.kind !== 'model') return denied('internal');
  const model = known(facts.model);
  const why = faultInBetas(model, asked.headers);
  if (why !== undefined) return denied('invalid-arguments', why);
  const read = readModelRequest(asked.dialect, model, asked.body);
  if (!read.ok) return denied('invalid-arguments', read.why);
  const { body } = read.request;
  facts.modelRequest = read.request;
  facts.digest = hash('sha256', `${modelKey(model.modelId)}\n${body}`, 'buffer');
  return undefined;
};
