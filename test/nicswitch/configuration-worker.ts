import { parentPort, workerData } from 'node:worker_threads';
import {
  attachSwitchConfiguration,
  attachSwitchSender,
  type ConfigurationChange,
  type SharedSwitchDescriptor,
} from '../../src/nicswitch/index.ts';
import {
  ANSWERED,
  BEGUN,
  type ConfigurationOrder,
  NUMBER,
  OVER,
  SENDER,
  SENT_AT,
} from './configuration-words.ts';

function configure(descriptor: SharedSwitchDescriptor, words: Int32Array, messages: ConfigurationChange[][]) {
  const configuration = attachSwitchConfiguration(descriptor);
  for (const message of messages) {
    Atomics.add(words, BEGUN, 1);
    configuration.apply(message);
    Atomics.add(words, ANSWERED, 1);
    // A moment of load under each configuration.
    Atomics.wait(words, OVER, 0, 1);
  }
  Atomics.store(words, OVER, 1);
  return 0;
}

function send(descriptor: SharedSwitchDescriptor, words: Int32Array, vport: number, frames: Uint8Array[]) {
  const sender = attachSwitchSender(descriptor, vport);
  const view = new DataView(sender.u8.buffer);
  let number = 0;
  while (Atomics.load(words, OVER) === 0) {
    if (!sender.waitForSlot(5)) continue;
    const frame = frames[number % frames.length];
    const at = sender.reserve();
    sender.u8.set(frame, at);
    view.setInt32(at + NUMBER, number++);
    view.setInt32(at + SENT_AT, Atomics.load(words, ANSWERED));
    view.setInt32(at + SENDER, vport);
    sender.commit(frame.length);
  }
  return number;
}

const order = workerData as ConfigurationOrder;
const { descriptor, words } = order;
parentPort?.postMessage(
  'messages' in order
    ? configure(descriptor, words, order.messages)
    : send(descriptor, words, order.vport, order.frames),
);
