// Book two GPUs for two hours, as a company, over gRPC: `npm install && node book.js ../../data CMP-0014`.
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";
import protobuf from "protobufjs";

const DEADLINE_MS = 10_000;
const ATTEMPTS_MAX = 5;
const PAUSE_MS = 1_000;
const UNKNOWN = [grpc.status.UNAVAILABLE, grpc.status.DEADLINE_EXCEEDED, grpc.status.INTERNAL];
const STATUS = `syntax = "proto3";
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }`; // As google/rpc/status.proto says.

const [data = "../../data", company = "CMP-0014"] = process.argv.slice(2);
const file = join(data, "endpoints.json");
const endpoints = existsSync(file) ? JSON.parse(readFileSync(file)) : fail(`No centre runs on ${data}: make run`);
const bearer = endpoints.tokens[company] ?? fail(`${file} has no token for ${company}.`);
const definition = protoLoader.loadSync("aidc/scheduler/v1/scheduler.proto", {
  includeDirs: [join(dirname(fileURLToPath(import.meta.url)), "../../protos")],
  keepCase: true,
  longs: Number,
  enums: String,
});
const { Scheduler } = grpc.loadPackageDefinition(definition).aidc.scheduler.v1;
const scheduler = new Scheduler(endpoints.scheduler, grpc.credentials.createInsecure());
const token = new grpc.Metadata();
token.set("authorization", `Bearer ${bearer}`);

function fail(message) {
  console.error(message);
  process.exit(1);
}

const call = (method, request) =>
  new Promise((resolve, reject) => {
    const deadline = Date.now() + DEADLINE_MS;
    scheduler[method](request, token, { deadline }, (error, reply) => (error ? reject(error) : resolve(reply)));
  });

/** A definite answer: the same request, with the same request_id, as long as the outcome is unknown. */
async function definite(method, request) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call(method, request);
    } catch (error) {
      if (attempt === ATTEMPTS_MAX || !UNKNOWN.includes(error.code)) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

/** Every rule that said no, and what would be granted instead. */
function explain(error) {
  console.error(error.details ?? error.message);
  const [bytes] = error.metadata?.get("grpc-status-details-bin") ?? [];
  const details = bytes ? protobuf.parse(STATUS, { keepCase: true }).root.lookupType("Status").decode(bytes).details : [];
  for (const { type_url, value } of details.filter((each) => each.type_url.endsWith(".Refusal"))) {
    const { violations = [], alternatives = [] } = definition[type_url.split("/").pop()].deserialize(value);
    for (const { reason, description } of violations) console.error(`  ${reason}: ${description}`);
    for (const { start_time, end_time } of alternatives) console.error(`  instead: ${utc(start_time)} to ${utc(end_time)}`);
  }
}

const utc = ({ seconds }) => new Date(seconds * 1000).toISOString();

try {
  const parent = `companies/${company}`;
  const lines = [{ resource: "resources/a100-dev", units: 2000 }]; // milli-GPU: two whole GPUs
  const { offers = [], violations = [] } = await call("SearchOffers", { parent, lines, duration: { seconds: 7200 } });
  if (offers.length === 0) throw new Error(violations.map((violation) => violation.description).join("; "));
  const reservation = await definite("CreateReservation", {
    parent,
    reservation: { lines, start_time: offers[0].start_time, end_time: offers[0].end_time },
    request_id: randomUUID(), // one for this wish; the same one for every repetition of it
  });
  const units = reservation.allocations.flatMap((allocation) => allocation.unit_names).join(", ");
  console.log(`${reservation.name} is durable at position ${reservation.position}: ${units}`);
} catch (error) {
  explain(error);
  process.exitCode = 2;
} finally {
  scheduler.close();
}
