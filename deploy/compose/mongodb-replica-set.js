// Makes the server a replica set of one member, unless it is one already, and waits until it accepts writes. Then it creates the
// user of the exporter, which reads metrics.
const { readFileSync } = require("fs");

const password = encodeURIComponent(readFileSync("/run/secrets/mongodb_root_password", "utf8").trim());
const admin = connect(`mongodb://root:${password}@mongodb:27017/admin?directConnection=true`);
try {
  admin.adminCommand({ replSetGetStatus: 1 });
} catch (error) {
  if (error.codeName !== "NotYetInitialized") throw error;
  // Services reach the member under the name in the configuration.
  admin.adminCommand({ replSetInitiate: { _id: "rs0", members: [{ _id: 0, host: "mongodb:27017" }] } });
}
while (!admin.adminCommand({ hello: 1 }).isWritablePrimary) sleep(200);

// The user may read the state of the server, but no data. An installation of an older release gets it with the next start.
const exporter = {
  pwd: readFileSync("/run/secrets/mongodb_exporter_password", "utf8").trim(),
  roles: [{ role: "clusterMonitor", db: "admin" }],
};
if (admin.getUser("exporter") === null) admin.createUser({ user: "exporter", ...exporter });
else admin.updateUser("exporter", exporter);
