import { checkInteger } from '../base/index.ts';
import {
  HELD_BY_SWITCH,
  RECEIVE_CLAIM,
  SEND_CLAIM,
  SharedLayout,
  type SharedSwitchDescriptor,
} from './shared-layout.ts';
import { SwitchReceiver } from './switch-receiver.ts';
import { SwitchSender } from './switch-sender.ts';

/**
 * A port of a {@link SharedSwitch}, both its ends in one thread: see {@link SwitchSender} and
 * {@link SwitchReceiver}, whose methods these are.
 */
export class SwitchPort {
  readonly port: number;
  /** Bytes a slot: longest frame. */
  readonly slotBytes: number;
  /** Bytes of all slots. */
  readonly u8: Uint8Array;
  readonly sender: SwitchSender;
  readonly receiver: SwitchReceiver;

  /** @internal See {@link attachSwitchPort}. */
  constructor(sender: SwitchSender, receiver: SwitchReceiver) {
    this.port = sender.port;
    this.slotBytes = sender.slotBytes;
    this.u8 = sender.u8;
    this.sender = sender;
    this.receiver = receiver;
  }

  /** See {@link SwitchSender.reserve}. */
  reserve(): number {
    return this.sender.reserve();
  }

  /** See {@link SwitchSender.commit}. */
  commit(bytes: number, tci = -1, more = false): void {
    this.sender.commit(bytes, tci, more);
  }

  /** See {@link SwitchSender.flush}. */
  flush(): void {
    this.sender.flush();
  }

  /** See {@link SwitchSender.send}. */
  send(frame: Uint8Array, tci = -1): boolean {
    return this.sender.send(frame, tci);
  }

  /** See {@link SwitchSender.waitForSlot}. */
  waitForSlot(timeoutMs?: number): boolean {
    return this.sender.waitForSlot(timeoutMs);
  }

  /** See {@link SwitchReceiver.receive}. */
  receive(): number {
    return this.receiver.receive();
  }

  /** See {@link SwitchReceiver.offsetOf}. */
  offsetOf(entry: number): number {
    return this.receiver.offsetOf(entry);
  }

  /** See {@link SwitchReceiver.lengthOf}. */
  lengthOf(entry: number): number {
    return this.receiver.lengthOf(entry);
  }

  /** See {@link SwitchReceiver.tciOf}. */
  tciOf(entry: number): number {
    return this.receiver.tciOf(entry);
  }

  /** See {@link SwitchReceiver.bytesOf}. */
  bytesOf(entry: number): Uint8Array {
    return this.receiver.bytesOf(entry);
  }

  /** See {@link SwitchReceiver.copyTo}. */
  copyTo(target: Uint8Array, entry: number, at = 0): number {
    return this.receiver.copyTo(target, entry, at);
  }

  /** See {@link SwitchReceiver.release}. */
  release(count = 1): void {
    this.receiver.release(count);
  }

  /** See {@link SwitchReceiver.waitForFrame}. */
  waitForFrame(timeoutMs?: number): boolean {
    return this.receiver.waitForFrame(timeoutMs);
  }

  /** Whether the switch has been closed. */
  get closed(): boolean {
    return this.sender.closed;
  }

  /** Detaches both ends. */
  detach(): void {
    this.sender.detach();
    this.receiver.detach();
  }
}

/**
 * Attaches the calling thread to a port of a {@link SharedSwitch}: it alone sends and receives there until it
 * detaches.
 *
 * @param vport a VPort, or the number behind the last one for the physical port.
 * @throws TypeError if the descriptor is no switch's, RangeError if there is no such port or if somebody is
 *   attached to it.
 * @example
 * // In a worker; `descriptor` came by postMessage.
 * const port = attachSwitchPort(descriptor, 3);
 * port.send(frame);
 * for (let entry = port.receive(); entry >= 0; entry = port.receive()) {
 *   const at = port.offsetOf(entry);
 *   console.log(port.u8[at], port.lengthOf(entry));
 *   port.release();
 * }
 */
export function attachSwitchPort(descriptor: SharedSwitchDescriptor, vport: number): SwitchPort {
  const sender = attachSwitchSender(descriptor, vport);
  try {
    return new SwitchPort(sender, attachSwitchReceiver(descriptor, vport));
  } catch (error) {
    sender.detach();
    throw error;
  }
}

/** Attaches the calling thread to the sending end of a port alone: see {@link attachSwitchPort}. */
export function attachSwitchSender(descriptor: SharedSwitchDescriptor, vport: number): SwitchSender {
  const layout = claimed(descriptor, vport, SEND_CLAIM, 'sender');
  return new SwitchSender(layout, vport);
}

/** Attaches the calling thread to the receiving end of a port alone: see {@link attachSwitchPort}. */
export function attachSwitchReceiver(descriptor: SharedSwitchDescriptor, vport: number): SwitchReceiver {
  const layout = claimed(descriptor, vport, RECEIVE_CLAIM, 'receiver');
  return new SwitchReceiver(layout, vport);
}

function claimed(
  descriptor: SharedSwitchDescriptor,
  vport: number,
  claim: number,
  what: string,
): SharedLayout {
  const layout = new SharedLayout(descriptor);
  checkInteger('vport', vport, 0, layout.ports - 1);
  const word = layout.wordsOf(vport) + claim;
  let holder: number;
  do holder = Atomics.compareExchange(layout.control, word, 0, 1);
  while (holder === HELD_BY_SWITCH);
  if (holder !== 0) {
    throw new RangeError(`vport must be one without a ${what}, got ${vport}, to which one is attached`);
  }
  return layout;
}
