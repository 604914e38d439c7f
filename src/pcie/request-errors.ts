import { COMPLETION_TIMEOUT, POISONED_TLP, UNSUPPORTED_REQUEST } from './capabilities/aer.ts';
import type { Endpoint } from './endpoint.ts';
import type { UnclaimedListener } from './endpoint-port.ts';
import { reportToAll, reportUncorrectable } from './error-report.ts';
import {
  COMMAND,
  COMMAND_PARITY_RESPONSE,
  STATUS,
  STATUS_DETECTED_PARITY_ERROR,
  STATUS_MASTER_PARITY_ERROR,
  STATUS_RECEIVED_MASTER_ABORT,
  STATUS_RECEIVED_TARGET_ABORT,
} from './header.ts';
import { headerWordsOf } from './header-words.ts';
import type { FailureListener } from './requester-client.ts';
import { CompletionStatus, ReadOutcome, TlpKind } from './tlp.ts';
import type { Tlp } from './tlp-pool.ts';

/** What a device's functions note in their registers of requests that did not succeed: of theirs, and of software's. */
export class RequestErrors implements FailureListener, UnclaimedListener {
  private readonly endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
  }

  unclaimed(tlp: Tlp): void {
    // No function is meant: all note it. A completion says it too, which makes it advisory (6.2.3.2.4.1).
    const isAdvisory = tlp.kind !== TlpKind.MEMORY_WRITE;
    reportToAll(this.endpoint.functions, UNSUPPORTED_REQUEST, isAdvisory, headerWordsOf(tlp));
  }

  requestFailed(
    routingId: number,
    _client: number,
    _cookie: number,
    status: number,
    header: readonly number[],
  ): void {
    const fn = this.endpoint.functionAt(routingId);
    if (fn === null) return;
    const { config } = fn;
    if (status === ReadOutcome.TIMEOUT) {
      reportUncorrectable(fn, COMPLETION_TIMEOUT, false);
      return;
    }
    if (status === ReadOutcome.POISONED) {
      // The data are discarded and all else goes on: advisory where it is not fatal (6.2.3.2.4.3).
      reportUncorrectable(fn, POISONED_TLP, true, header);
      const parity =
        (config.read16(COMMAND) & COMMAND_PARITY_RESPONSE) === 0 ? 0 : STATUS_MASTER_PARITY_ERROR;
      config.poke16(STATUS, config.read16(STATUS) | STATUS_DETECTED_PARITY_ERROR | parity);
      return;
    }
    // The completer has reported it already: the requester has bits of Status for it (PCIe 3.0 7.5.1.2).
    if (status === CompletionStatus.UNSUPPORTED_REQUEST) {
      config.poke16(STATUS, config.read16(STATUS) | STATUS_RECEIVED_MASTER_ABORT);
    } else if (status === CompletionStatus.COMPLETER_ABORT) {
      config.poke16(STATUS, config.read16(STATUS) | STATUS_RECEIVED_TARGET_ABORT);
    }
  }
}
