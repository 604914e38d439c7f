import type { Endpoint } from './endpoint.ts';
import { STATUS, STATUS_RECEIVED_MASTER_ABORT, STATUS_RECEIVED_TARGET_ABORT } from './header.ts';
import type { FailureListener } from './requester.ts';
import { CompletionStatus } from './tlp.ts';

/** What a device's functions note in their registers of requests of theirs that did not succeed. */
export class RequestErrors implements FailureListener {
  private readonly endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
  }

  requestFailed(routingId: number, _client: number, _cookie: number, status: number): void {
    const fn = this.endpoint.functionAt(routingId);
    if (fn === null) return;
    const { config } = fn;
    // The completer has reported it already: the requester has bits of Status for it (PCIe 3.0 7.5.1.2).
    if (status === CompletionStatus.UNSUPPORTED_REQUEST) {
      config.poke16(STATUS, config.read16(STATUS) | STATUS_RECEIVED_MASTER_ABORT);
    } else if (status === CompletionStatus.COMPLETER_ABORT) {
      config.poke16(STATUS, config.read16(STATUS) | STATUS_RECEIVED_TARGET_ABORT);
    }
  }
}
