// Runs once, when the volume of MongoDB is new: a user for each of the two services, who may use its own database only.
const { readFileSync } = require("fs");

for (const [user, database] of [["account", "accounts"], ["transaction", "transactions"]]) {
  const pwd = readFileSync(`/run/secrets/${user}_db_password`, "utf8").trim();
  db.getSiblingDB(database).createUser({ user, pwd, roles: [{ role: "readWrite", db: database }] });
}
