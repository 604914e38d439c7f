import { checkOneOf } from '../base/index.ts';
import { BRIDGE_CONTROL, SECONDARY_STATUS } from './bridge.ts';
import { AER_ERROR_SOURCE, AER_ROOT_COMMAND, AER_ROOT_STATUS } from './capabilities/aer.ts';
import { CAP_MSI, CAP_PCI_EXPRESS, ECAP_AER } from './capabilities/ids.ts';
import { PORT_ROOT } from './capabilities/pci-express.ts';
import { canSend, ERROR_MESSAGES, noteSent } from './error-report.ts';
import type { PcieFunction } from './function.ts';
import type { InterruptTarget } from './root-port-options.ts';
import type { RoutingId } from './routing-id.ts';

/** Bit of Secondary Status, and SERR# Enable of Bridge Control (PCIe 3.0 7.5.3). */
const RECEIVED_SYSTEM_ERROR = 1 << 14;
const BRIDGE_SERR = 1 << 1;
/** Mask and Pending Bits of an MSI with addresses of 32 bits, as ports have it. */
const MSI_MASK = 0x0c;
const MSI_PENDING = 0x10;
/** Bits of Root Error Status (7.10.10): ERR_COR and, two bits on, the others; the first is fatal; kinds received. */
const RECEIVED = 1;
const MULTIPLE = 2;
const FIRST_FATAL = 1 << 4;
const NON_FATAL_RECEIVED = 1 << 5;

/**
 * An error message has come to a root port: it is noted in Secondary Status and, where Bridge Control and the enables of
 * the port let it through, in Root Error Status and Error Source Identification; then the port interrupts, by MSI, as Root
 * Error Command says (PCIe 3.0 6.2.4.1, 6.2.6, 7.10.9 to 7.10.11).
 *
 * @param code ERR_COR, ERR_NONFATAL or ERR_FATAL; of any other nothing comes.
 * @param interrupts takes the port's messages; a port has one for all its time, that of the first call.
 */
export function receiveErrorMessage(
  port: PcieFunction,
  source: RoutingId,
  code: number,
  interrupts: InterruptTarget,
): void {
  const severity = ERROR_MESSAGES.indexOf(code);
  if (severity > 0 && !passesSystemError(port)) return;
  if (severity < 0 || !canSend(port, severity)) return;
  noteSent(port, severity);
  logRootError(port, source, code, interrupts);
}

/** An ERR_NONFATAL or ERR_FATAL has come from below a port, which notes it; returns whether Bridge Control lets it pass. */
export function passesSystemError({ config }: PcieFunction): boolean {
  config.poke16(SECONDARY_STATUS, config.read16(SECONDARY_STATUS) | RECEIVED_SYSTEM_ERROR);
  return (config.read16(BRIDGE_CONTROL) & BRIDGE_SERR) !== 0;
}

/**
 * A message that gets as far as the root port's own side, or an error that the port has found itself.
 *
 * @throws RangeError if the port has no root error registers, or `code` is of no error message.
 */
export function logRootError(
  port: PcieFunction,
  source: RoutingId,
  code: number,
  interrupts: InterruptTarget,
): void {
  const { config } = port;
  const at = rootRegisters(port);
  const severity = ERROR_MESSAGES.indexOf(checkOneOf('code', code, ERROR_MESSAGES));
  const shift = severity === 0 ? 0 : 2;
  const before = config.read32(at + AER_ROOT_STATUS);
  const isFirst = ((before >>> shift) & RECEIVED) === 0;
  let after = before | ((isFirst ? RECEIVED : MULTIPLE) << shift);
  if (severity > 0) after |= NON_FATAL_RECEIVED << (severity - 1);
  if (isFirst) {
    if (severity === 2) after |= FIRST_FATAL;
    config.poke16(at + AER_ERROR_SOURCE + shift, source);
  }
  config.poke32(at + AER_ROOT_STATUS, after);
  const enables = config.read32(at + AER_ROOT_COMMAND);
  connectInterrupts(port, interrupts);
  if (!active(before, enables) && active(after, enables)) interrupt(port);
}

/** Lets a root port send messages of its own errors, which come to itself, and interrupt. */
export function connectRootErrors(port: PcieFunction, interrupts: InterruptTarget): void {
  connectInterrupts(port, interrupts);
  port.sendError = (source, code) => logRootError(port, source, code, interrupts);
}

/** Where the messages of each port go. */
const TARGETS = new WeakMap<PcieFunction, InterruptTarget>();

/** @param target of the first call for a port. */
function connectInterrupts(port: PcieFunction, target: InterruptTarget): void {
  if (TARGETS.has(port)) return;
  TARGETS.set(port, target);
  const { config, events } = port;
  const at = port.findCapability(CAP_MSI);
  const again = () => {
    if (config.read32(at + MSI_PENDING) !== 0) interrupt(port);
  };
  config.onWrite(at, again);
  config.onWrite(at + MSI_MASK, again);
  events.on('busMaster', again);
}

/** The port's MSI, which has one vector: it goes out, waits in Pending Bits, or is lost (PCI 3.0 6.8.1). */
function interrupt(port: PcieFunction): void {
  const { config } = port;
  const at = port.findCapability(CAP_MSI);
  if (!port.msiEnabled) return;
  if ((config.read32(at + MSI_MASK) & 1) !== 0) config.poke32(at + MSI_PENDING, 1);
  else if (port.busMaster) {
    config.poke32(at + MSI_PENDING, 0);
    TARGETS.get(port)!.message(port.routingId, config.read32(at + 4), config.read16(at + 8));
  }
}

/** Offset of AER in a root port. */
function rootRegisters(port: PcieFunction): number {
  const at = port.findExtendedCapability(ECAP_AER);
  const type = (port.config.read16(port.findCapability(CAP_PCI_EXPRESS) + 2) >> 4) & 15;
  if (at === 0 || type !== PORT_ROOT) throw new RangeError(`${port.name} has no root error registers`);
  return at;
}

/** Whether a kind of message has been received that Root Error Command asks an interrupt for. */
function active(status: number, enables: number): boolean {
  return (((status & 1) | ((status >>> 4) & 6)) & enables) !== 0;
}
