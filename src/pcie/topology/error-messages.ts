import type { BridgePort } from '../bridge.ts';
import { Endpoint } from '../endpoint.ts';
import { ERROR_MESSAGES } from '../error-report.ts';
import type { PcieFunction } from '../function.ts';
import { COMMAND, COMMAND_SERR } from '../header.ts';
import { connectRootErrors, passesSystemError, receiveErrorMessage } from '../root-errors.ts';
import type { InterruptTarget } from '../root-port-options.ts';
import type { RoutingId } from '../routing-id.ts';
import type { HierarchyDevice, HierarchyStructure } from './structure.ts';

/**
 * Error messages on their way up: through each port that passes them on, to the root port above, which notes them and
 * interrupts (PCIe 3.0 6.2.4.1, 7.5.1.1, 7.5.3.6).
 */
export class ErrorMessages {
  private readonly structure: HierarchyStructure;
  private readonly interrupts: InterruptTarget;

  constructor(structure: HierarchyStructure, interrupts: InterruptTarget) {
    this.structure = structure;
    this.interrupts = interrupts;
    for (const { function: fn } of structure.rootPorts) connectRootErrors(fn, interrupts);
  }

  /** Lets the functions of a device that has been connected send messages. */
  connect(device: HierarchyDevice): void {
    const { structure } = this;
    if (device instanceof Endpoint) {
      for (const fn of device.functions) {
        fn.sendError = (source, code) => this.pass(structure.portAbove(device), source, code);
      }
      return;
    }
    const { upstream, downstream } = device;
    upstream.function.sendError = (source, code) => this.pass(structure.portAbove(device), source, code);
    for (const { function: fn } of downstream) {
      fn.sendError = (source, code) => {
        if (passes(upstream.function, code)) this.pass(structure.portAbove(device), source, code);
      };
    }
  }

  private pass(first: BridgePort, source: RoutingId, code: number): void {
    let port = first;
    for (;;) {
      const within = this.structure.switchWith(port);
      if (within === null) {
        receiveErrorMessage(port.function, source, code, this.interrupts);
        return;
      }
      if (!passes(port.function, code) || !passes(within.upstream.function, code)) return;
      port = this.structure.portAbove(within);
    }
  }
}

/** Whether a port of a switch passes a message on: ERR_COR always, the others by SERR# Enable of both its sides. */
export function passes(fn: PcieFunction, code: number): boolean {
  if (ERROR_MESSAGES.indexOf(code) === 0) return true;
  return passesSystemError(fn) && (fn.config.read16(COMMAND) & COMMAND_SERR) !== 0;
}
