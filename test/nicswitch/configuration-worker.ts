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
  SENT,
  SENT_AT,
  WORDS,
} from './configuration-words.ts';

function configure(descriptor: SharedSwitchDescriptor, words: Int32Array, messages: ConfigurationChange[][]) {
  const configuration = attachSwitchConfiguration(descriptor);
  for (const message of messages) {
    Atomics.add(words, BEGUN, 1);
    configuration.apply(message);
    Atomics.add(words, ANSWERED, 1);
    // Some load under each configuration: every sender sends once more, however slowly its thread runs.
    for (let word = SENT; word < WORDS; word++) Atomics.wait(words, word, Atomics.load(words, word), 10_000);
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
    Atomics.add(words, SENT + vport, 1);
    Atomics.notify(words, SENT + vport);
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
