//! What a plan may not do.

use serde_json::Value;

/// Indexes that hold nothing but what is to be done: to go through all of one
/// is to do the work.
const WORK: [&str; 6] = [
    "user_pools_deleted",
    "user_import_jobs_active",
    "user_import_jobs_active_in_pool",
    "user_import_jobs_deleted",
    "user_import_jobs_to_expire",
    "user_import_jobs_upload_to_purge",
];

/// The table that holds nothing but what is being imported: at most a few rows
/// for each job that a scheduler works on.
const RUNNING: &str = "import_lanes";

/// What is wrong with a plan, as `EXPLAIN (FORMAT JSON)` answers it.
pub fn faults(plan: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    look(root(plan), false, &mut faults);
    faults
}

/// How many pages were looked at, if the plan was carried out.
pub fn pages(plan: &Value) -> u64 {
    let count = |name: &str| root(plan)[name].as_u64().unwrap_or(0);
    count("Shared Hit Blocks") + count("Shared Read Blocks")
}

fn root(plan: &Value) -> &Value {
    &plan[0]["Plan"]
}

/// `limited`: whoever asks this node for rows stops when it has enough.
fn look(node: &Value, limited: bool, faults: &mut Vec<String>) {
    let text = |name: &str| node[name].as_str().unwrap_or("");
    let (kind, index) = (text("Node Type"), text("Index Name"));
    if kind == "Seq Scan" && text("Relation Name") != RUNNING {
        faults.push(format!("reads all of {}", text("Relation Name")));
    }
    if text("One-Time Filter") == "false" {
        faults.push("its arguments leave nothing to be found".to_owned());
    }
    // EXISTS, or a value that is one row's.
    let asked = matches!(text("Parent Relationship"), "InitPlan" | "SubPlan")
        && !text("Subplan Name").starts_with("CTE");
    let limited = limited || asked;
    if !index.is_empty() && !WORK.contains(&index) && !index.starts_with(RUNNING) {
        let condition = text("Index Cond");
        // More conditions than one stand in parentheses of their own.
        let of_pool = condition.starts_with("(user_pool_id = ") && index != "user_pools_pkey";
        let filter = text("Filter");
        // What is deleted is soon gone.
        let stops = limited && (filter.is_empty() || filter == "(deletion_date IS NULL)");
        if condition.is_empty() && !stops {
            faults.push(format!("goes through all of {index}"));
        } else if of_pool && !stops {
            faults.push(format!("goes through all of a pool in {index}"));
        }
    }
    let limited = match kind {
        "Limit" => true,
        // These take in all rows before they give one.
        "Sort" | "Incremental Sort" | "Aggregate" | "Hash" | "WindowAgg" => false,
        _ => limited,
    };
    for below in node["Plans"].as_array().into_iter().flatten() {
        look(below, limited, faults);
    }
}

/// A plan in a line.
pub fn outline(plan: &Value) -> String {
    line(root(plan))
}

fn line(node: &Value) -> String {
    let mut words = vec![node["Node Type"].as_str().unwrap_or("")];
    let names = ["Index Name", "Relation Name", "Index Cond", "Filter"];
    words.extend(names.iter().filter_map(|name| node[*name].as_str()));
    let below: Vec<_> = node["Plans"]
        .as_array()
        .into_iter()
        .flatten()
        .map(line)
        .collect();
    if below.is_empty() {
        return words.join(" ");
    }
    format!("{} [{}]", words.join(" "), below.join("; "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults_of(node: Value) -> Vec<String> {
        faults(&json!([{ "Plan": node }]))
    }

    fn index_scan(index: &str, condition: &str) -> Value {
        json!({ "Node Type": "Index Scan", "Index Name": index, "Index Cond": condition })
    }

    #[test]
    fn a_table_or_an_index_or_a_pool_may_not_be_gone_through() {
        let all = json!({ "Node Type": "Seq Scan", "Relation Name": "users" });
        assert_eq!(faults_of(all), ["reads all of users"]);
        let index = index_scan("users_pkey", "");
        assert_eq!(faults_of(index), ["goes through all of users_pkey"]);
        let pool = index_scan("users_pkey", "(user_pool_id = $1)");
        let said = ["goes through all of a pool in users_pkey"];
        assert_eq!(faults_of(pool.clone()), said);
        let sorted = json!({ "Node Type": "Sort", "Plans": [pool] });
        let limited = json!({ "Node Type": "Limit", "Plans": [sorted] });
        assert_eq!(faults_of(limited), said);
    }

    #[test]
    fn what_a_plan_says_of_nothing_is_no_proof() {
        let nothing = json!({ "Node Type": "Result", "One-Time Filter": "false" });
        assert_eq!(faults_of(nothing).len(), 1);
    }

    #[test]
    fn a_key_a_first_page_and_what_is_to_be_done_may_be_looked_up() {
        let key = index_scan(
            "users_pkey",
            "((user_pool_id = $1) AND (username_key = $2))",
        );
        let page = json!({ "Node Type": "Limit",
            "Plans": [index_scan("users_pkey", "(user_pool_id = $1)")] });
        let exists = json!({ "Node Type": "Result", "Plans": [{
            "Node Type": "Index Only Scan", "Index Name": "users_pkey",
            "Index Cond": "(user_pool_id = $1)",
            "Parent Relationship": "InitPlan", "Subplan Name": "InitPlan 1 (returns $0)" }] });
        let due = index_scan("user_import_jobs_deleted", "");
        for fine in [key, page, exists, due] {
            assert_eq!(faults_of(fine.clone()), [""; 0], "{fine}");
        }
    }
}
