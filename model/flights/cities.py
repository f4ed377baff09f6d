"""The city names of the airports in schema.py. The source of the flights names some airports after people."""

from __future__ import annotations

_CITIES = """
ABQ Albuquerque, NM|ACK Nantucket, MA|ALB Albany, NY|ANC Anchorage, AK|ATL Atlanta, GA|AUS Austin, TX
AVL Asheville, NC|BDL Hartford, CT|BGR Bangor, ME|BHM Birmingham, AL|BNA Nashville, TN|BOS Boston, MA
BQN Aguadilla, PR|BTV Burlington, VT|BUF Buffalo, NY|BUR Burbank, CA|BWI Baltimore, MD|BZN Bozeman, MT
CAE Columbia, SC|CAK Akron, OH|CHO Charlottesville, VA|CHS Charleston, SC|CLE Cleveland, OH|CLT Charlotte, NC
CMH Columbus, OH|CRW Charleston, WV|CVG Cincinnati, OH|DAY Dayton, OH|DCA Washington National, DC|DEN Denver, CO
DFW Dallas-Fort Worth, TX|DSM Des Moines, IA|DTW Detroit, MI|EGE Vail, CO|EWR Newark|EYW Key West, FL
FLL Fort Lauderdale, FL|GRR Grand Rapids, MI|GSO Greensboro, NC|GSP Greenville, SC|HDN Steamboat Springs, CO
HNL Honolulu, HI|HOU Houston Hobby, TX|IAD Washington Dulles, VA|IAH Houston Intercontinental, TX
ILM Wilmington, NC|IND Indianapolis, IN|JAC Jackson Hole, WY|JAX Jacksonville, FL|JFK New York Kennedy|LAS Las Vegas, NV
LAX Los Angeles, CA|LEX Lexington, KY|LGA New York LaGuardia|LGB Long Beach, CA|MCI Kansas City, MO|MCO Orlando, FL
MDW Chicago Midway, IL|MEM Memphis, TN|MHT Manchester, NH|MIA Miami, FL|MKE Milwaukee, WI|MSN Madison, WI
MSP Minneapolis-St. Paul, MN|MSY New Orleans, LA|MTJ Montrose, CO|MVY Martha's Vineyard, MA|MYR Myrtle Beach, SC
OAK Oakland, CA|OKC Oklahoma City, OK|OMA Omaha, NE|ORD Chicago O'Hare, IL|ORF Norfolk, VA|PBI West Palm Beach, FL
PDX Portland, OR|PHL Philadelphia, PA|PHX Phoenix, AZ|PIT Pittsburgh, PA|PSE Ponce, PR|PSP Palm Springs, CA
PVD Providence, RI|PWM Portland, ME|RDU Raleigh-Durham, NC|RIC Richmond, VA|ROC Rochester, NY|RSW Fort Myers, FL
SAN San Diego, CA|SAT San Antonio, TX|SAV Savannah, GA|SBN South Bend, IN|SDF Louisville, KY|SEA Seattle, WA
SFO San Francisco, CA|SJC San Jose, CA|SJU San Juan, PR|SLC Salt Lake City, UT|SMF Sacramento, CA
SNA Orange County, CA|SRQ Sarasota, FL|STL St. Louis, MO|STT St. Thomas, VI|SYR Syracuse, NY|TPA Tampa, FL
TUL Tulsa, OK|TVC Traverse City, MI|TYS Knoxville, TN|XNA Northwest Arkansas, AR
"""
CITIES: dict[str, str] = {
    entry[:3]: entry[4:].strip() for line in _CITIES.strip().splitlines() for entry in line.split("|")
}
