// Book two GPUs for two hours, as a company, over gRPC: `npm install && node book.js ../../data CMP-0014`.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const [data = "../../data", company = "CMP-0014"] = process.argv.slice(2);
const endpoints = JSON.parse(readFileSync(join(data, "endpoints.json")));
const protos = join(dirname(fileURLToPath(import.meta.url)), "../../protos");
const definition = protoLoader.loadSync("aidc/scheduler/v1/scheduler.proto", {
  includeDirs: [protos],
  keepCase: true,
  longs: Number,
  enums: String,
});
const { Scheduler } = grpc.loadPackageDefinition(definition).aidc.scheduler.v1;
const scheduler = new Scheduler(endpoints.scheduler, grpc.credentials.createInsecure());
const token = new grpc.Metadata();
token.set("authorization", `Bearer ${endpoints.tokens[company]}`);

const call = (method, request) =>
  new Promise((resolve, reject) => {
    const deadline = Date.now() + 10_000;
    scheduler[method](request, token, { deadline }, (error, reply) => (error ? reject(error) : resolve(reply)));
  });

try {
  const parent = `companies/${company}`;
  const lines = [{ resource: "resources/a100-dev", units: 2000 }]; // milli-GPU: two whole GPUs
  const { offers = [], violations = [] } = await call("SearchOffers", { parent, lines, duration: { seconds: 7200 } });
  if (offers.length === 0) throw new Error(violations.map((violation) => violation.description).join("; "));
  const reservation = await call("CreateReservation", {
    parent,
    reservation: { lines, start_time: offers[0].start_time, end_time: offers[0].end_time },
    request_id: randomUUID(), // keep it, and repeat it, should the answer get lost
  });
  const units = reservation.allocations.flatMap((allocation) => allocation.unit_names).join(", ");
  console.log(`${reservation.name} is durable at position ${reservation.position}: ${units}`);
} catch (error) {
  console.error(error.details ?? error.message);
  process.exitCode = 2;
} finally {
  scheduler.close();
}
