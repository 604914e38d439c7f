import type { Endpoint } from './endpoint.ts';
import type { EndpointPort } from './endpoint-port.ts';
import { RequestErrors } from './request-errors.ts';
import type { Requester } from './requester.ts';
import type { RoutingId } from './routing-id.ts';

/**
 * Connects the functions of a device with what issues their requests: Transactions Pending of PFs and VFs says whether reads
 * of theirs await completions, and a reset of a function, or its end with VF Enable, abandons them
 * ({@link Requester.abandon}). What becomes of requests that end otherwise is noted in their registers ({@link RequestErrors}).
 *
 * Who stops issuing requests at a reset listens to its events before.
 *
 * @param port where requests of software's come that no function may claim.
 */
export function followFunctions(
  endpoint: Endpoint,
  requester: Requester,
  port: Pick<EndpointPort, 'listener'>,
): void {
  const errors = new RequestErrors(endpoint);
  requester.listeners.push(errors);
  port.listener = errors;
  for (const fn of endpoint.functions) {
    fn.requestsPending = (routingId) => requester.hasPending(routingId);
    fn.events.on('reset', (each) => requester.abandon((routingId) => routingId === each.routingId));
    fn.events.on('vfsDisabled', () =>
      requester.abandon((routingId: RoutingId) => endpoint.functionAt(routingId) === null),
    );
  }
}
